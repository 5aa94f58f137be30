import type { Question } from './front.ts'

/** An export of FOCUS 1.2 into a bucket of the emulator. */
export interface CostExport {
  name: string
  bucket: string
  prefix: string
}

/**
 * Answers for Data Exports and legacy reports, which MiniStack does not have:
 * https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_Operations_AWS_Billing_and_Cost_Management_Data_Exports.html
 */
export function dataExports({ name, bucket, prefix }: CostExport) {
  const S3Destination = { S3Bucket: bucket, S3Prefix: prefix, S3Region: 'us-east-1', S3OutputConfigurations: {} }
  const DataQuery = { QueryStatement: 'SELECT BilledCost FROM FOCUS_1_2_AWS' }
  const listed = { ExportArn: 'arn:export', ExportName: name, ExportStatus: { StatusCode: 'HEALTHY' } }
  return ({ service, operation }: Question): string | undefined => {
    if (service === 'cur') return '{"ReportDefinitions":[]}'
    if (service !== 'bcm-data-exports') return undefined
    return JSON.stringify(
      operation === 'ListExports'
        ? { Exports: [listed] }
        : { Export: { Name: name, DataQuery, DestinationConfigurations: { S3Destination } } },
    )
  }
}
