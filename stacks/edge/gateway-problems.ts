import { ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway'
import { headersForBrowsers } from './browsers.ts'

interface Row {
  on: ResponseType
  status: number
  /** As in `packages/api/src/problem.ts`. */
  code: string
  title: string
  detail: string
  retryAfterSeconds?: number
}

const rows: Row[] = [
  {
    on: ResponseType.THROTTLED,
    status: 429,
    code: 'rate_limited',
    title: 'Too many requests',
    detail: 'The API receives too many requests. Send the request again in a second.',
    retryAfterSeconds: 1,
  },
  {
    on: ResponseType.WAF_FILTERED,
    status: 403,
    code: 'forbidden',
    title: 'Not allowed',
    detail: 'The firewall blocked the request, because it looks like an attack.',
  },
  {
    on: ResponseType.REQUEST_TOO_LARGE,
    status: 413,
    code: 'too_large',
    title: 'Too large',
    detail: 'The body is larger than 1 MB. Send bills to the upload URLs of an import, not in the body.',
  },
  {
    on: ResponseType.INTEGRATION_TIMEOUT,
    status: 503,
    code: 'unavailable',
    title: 'Temporarily unavailable',
    detail: 'The answer took longer than 29 seconds. Ask for less, or send the request again later.',
    retryAfterSeconds: 5,
  },
  {
    on: ResponseType.DEFAULT_4XX,
    status: 400,
    code: 'malformed',
    title: 'The request cannot be read',
    detail: 'API Gateway refused the request: its address or its headers are wrong.',
  },
  {
    on: ResponseType.DEFAULT_5XX,
    status: 500,
    code: 'internal',
    title: 'Internal error',
    detail: 'An internal error occurred. The server logged it under the request id.',
  },
]

/** Gives API Gateway's own errors the format of the application's. */
export function gatewayProblems(rest: RestApi): void {
  for (const { on: type, status, retryAfterSeconds, ...problem } of rows) {
    const body = JSON.stringify({
      type: `/v1/docs/errors#${problem.code}`,
      status,
      ...problem,
      requestId: '$context.requestId',
    })
    rest.addGatewayResponse(`Problem${type.responseType}`, {
      type,
      statusCode: String(status),
      templates: { 'application/json': body },
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
