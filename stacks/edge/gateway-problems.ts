import { problem } from '@cloudoptima/api'
import { ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway'
import { headersForBrowsers } from './browsers.ts'

interface Row {
  on: ResponseType
  code: Parameters<typeof problem>[0]
  detail: string
  retryAfterSeconds?: number
}

const rows: Row[] = [
  {
    on: ResponseType.THROTTLED,
    code: 'rate_limited',
    detail: 'The API receives too many requests. Send the request again in a second.',
    retryAfterSeconds: 1,
  },
  {
    on: ResponseType.WAF_FILTERED,
    code: 'forbidden',
    detail: 'The firewall blocked the request, because it looks like an attack.',
  },
  {
    on: ResponseType.REQUEST_TOO_LARGE,
    code: 'too_large',
    detail: 'The body is larger than 1 MB. Send bills to the upload URLs of an import, not in the body.',
  },
  {
    on: ResponseType.INTEGRATION_TIMEOUT,
    code: 'unavailable',
    detail: 'The answer took longer than 29 seconds. Ask for less, or send the request again later.',
    retryAfterSeconds: 5,
  },
  {
    on: ResponseType.DEFAULT_4XX,
    code: 'malformed',
    detail: 'API Gateway refused the request: its address or its headers are wrong.',
  },
  {
    on: ResponseType.DEFAULT_5XX,
    code: 'internal',
    detail: 'An internal error occurred. The server logged it under the request id.',
  },
]

/** Gives API Gateway's own errors the format of the application's. */
export function gatewayProblems(rest: RestApi): void {
  for (const { on: type, code, detail, retryAfterSeconds } of rows) {
    const body = problem(code, detail, '$context.requestId')
    rest.addGatewayResponse(`Problem${type.responseType}`, {
      type,
      statusCode: String(body.status),
      templates: { 'application/json': JSON.stringify(body) },
      responseHeaders: quoted({
        ...headersForBrowsers(),
        'Content-Type': 'application/problem+json',
        ...(retryAfterSeconds !== undefined && { 'Retry-After': String(retryAfterSeconds) }),
      }),
    })
  }
}

/** API Gateway takes constants in single quotes and needs no escapes inside. */
function quoted(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, `'${value}'`]))
}
