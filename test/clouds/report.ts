import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { asRoot, type EmulatedAccount } from './customer.ts'

/** Configures a Cost and Usage Report of the account, delivered to a bucket. */
export async function deliverReport(account: EmulatedAccount, bucket: string): Promise<void> {
  const { endpoint, credentials, region } = asRoot(account)
  const url = new URL(endpoint)
  const ReportDefinition = {
    ReportName: 'costs',
    TimeUnit: 'DAILY',
    Format: 'Parquet',
    Compression: 'Parquet',
    AdditionalSchemaElements: ['RESOURCES'],
    S3Bucket: bucket,
    S3Prefix: 'cur',
    S3Region: region,
  }
  const body = JSON.stringify({ ReportDefinition })
  const { headers } = await new SignatureV4({ service: 'cur', region, credentials, sha256: Sha256 }).sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: '/',
    headers: {
      host: url.host,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AWSOrigamiServiceGatewayService.PutReportDefinition',
    },
    body,
  })
  const response = await fetch(url, { method: 'POST', headers, body })
  if (!response.ok) throw new Error(`The report was not created: ${await response.text()}`)
}
