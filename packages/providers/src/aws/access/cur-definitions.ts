import { globalRegion, type Session } from './session.ts'
import { askSigned } from './signed.ts'

/** https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_cur_ReportDefinition.html */
export interface ReportDefinition {
  ReportName?: string
  S3Bucket?: string
  S3Prefix?: string
  S3Region?: string
}

/** One page of reports. */
export interface ReportPage {
  ReportDefinitions?: ReportDefinition[]
  NextToken?: string
}

const target = 'AWSOrigamiServiceGatewayService.DescribeReportDefinitions'

/** The only call to this API. */
export async function describeReportDefinitions(session: Session, NextToken?: string): Promise<ReportPage> {
  return await askSigned<ReportPage>(session, {
    service: 'cur',
    region: globalRegion,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
    body: { MaxResults: 5, NextToken },
  })
}
