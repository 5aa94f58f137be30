import { timeoutMs } from '../../access/ask.ts'
import { globalRegion, type Session } from './session.ts'

/** https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_cur_ReportDefinition.html */
export interface ReportDefinition {
  ReportName?: string
  S3Bucket?: string
  S3Prefix?: string
  S3Region?: string
}

const host = `cur.${globalRegion}.amazonaws.com`
const target = 'AWSOrigamiServiceGatewayService.DescribeReportDefinitions'

/** One page of reports. */
export interface ReportPage {
  ReportDefinitions?: ReportDefinition[]
  NextToken?: string
}

/** The only call to this API, signed here to avoid one more SDK client; its errors are like the SDK's. */
export async function describeReportDefinitions(session: Session, NextToken?: string): Promise<ReportPage> {
  const url = new URL(session.endpoint ?? `https://${host}`)
  const { headers, body } = await signed(session, url, JSON.stringify({ MaxResults: 5, NextToken }))
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  const { ['__type']: type = '', ...page } = (await response.json()) as ReportPage & { __type?: string }
  if (response.ok) return page
  throw Object.assign(new Error('refused'), {
    name: type.split('#').at(-1),
    $metadata: { httpStatusCode: response.status },
  })
}

async function signed({ credentials }: Session, url: URL, body: string) {
  const [{ SignatureV4 }, { Sha256 }] = await Promise.all([
    import('@smithy/signature-v4'),
    import('@aws-crypto/sha256-js'),
  ])
  const signer = new SignatureV4({ service: 'cur', region: globalRegion, credentials, sha256: Sha256 })
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: '/',
    headers: { host: url.host, 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
    body,
  })
  return { headers, body }
}
