import { timeoutMs } from '../../access/ask.ts'
import type { Session } from './session.ts'

interface Question {
  /** The name of the service in signatures, and in its host. */
  service: string
  region: string
  /** Default `/`. */
  path?: string
  headers?: Record<string, string>
  /** Without a body the request is a GET. */
  body?: object
}

/** Calls an API with few operations, signed here to avoid one more SDK client; its errors are like the SDK's. */
export async function askSigned<Answer extends object>(session: Session, question: Question): Promise<Answer> {
  const { service, region, path = '/', body } = question
  const url = new URL(path, session.endpoint ?? `https://${service}.${region}.amazonaws.com`)
  const text = body && JSON.stringify(body)
  const response = await fetch(url, {
    method: text === undefined ? 'GET' : 'POST',
    headers: await signed(session, url, question, text),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
    ...(text !== undefined && { body: text }),
  })
  const { ['__type']: type, ...answer } = (await response.json()) as Answer & { __type?: string }
  if (response.ok) return answer as unknown as Answer
  const name = type ?? response.headers.get('x-amzn-errortype') ?? ''
  throw Object.assign(new Error('refused'), {
    name: name.split('#').at(-1)?.split(':')[0],
    $metadata: { httpStatusCode: response.status },
  })
}

async function signed({ credentials }: Session, url: URL, { service, region, headers }: Question, body?: string) {
  const [{ SignatureV4 }, { Sha256 }] = await Promise.all([
    import('@smithy/signature-v4'),
    import('@aws-crypto/sha256-js'),
  ])
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 })
  const request = await signer.sign({
    method: body === undefined ? 'GET' : 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    headers: { host: url.host, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body }),
  })
  return request.headers
}
