import { createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'

export interface Answer {
  status: number
  body: string
}

interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  url: string
  body?: Uint8Array | string
  headers?: Record<string, string>
}

/** Sends all requests to the emulator, with the host of their URL as Host header. */
export function createClient({ port, ca }: { port: number; ca: string }) {
  const authorities = readFileSync(ca)

  /** Sends a request without a signature, for instance to a pre-signed URL. */
  const send = async ({ method, url, body = '', headers = {} }: Call): Promise<Answer> => {
    const { host, pathname, search } = new URL(url)
    return await new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host: '127.0.0.1',
          port,
          servername: 'localhost',
          ca: authorities,
          method,
          path: pathname + search,
          headers: { host, ...headers },
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
          )
          response.on('error', reject)
        },
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  /** Sends a request with a signature of the account. */
  const sendSigned = async (call: Call, signer: Signer): Promise<Answer> =>
    await send({ ...call, headers: sign(call, signer, new Date()) })

  return { send, sendSigned }
}

/** The body of an answer. Throws an error for another status than the wanted one. */
export function expectStatus({ status, body }: Answer, wanted: number, what: string): string {
  if (status !== wanted) throw new Error(`${what}: ${status} instead of ${wanted}: ${body.slice(0, 2000)}`)
  return body
}

interface Signer {
  /** The name of the service in signatures: `execute-api` for an API of API Gateway, `states` for Step Functions. */
  service: string
  region: string
  accessKeyId: string
  secretAccessKey: string
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function sign(
  { method, url, body = '', headers: given = {} }: Call,
  { service, region, accessKeyId, secretAccessKey }: Signer,
  now: Date,
): Record<string, string> {
  const { host, pathname, searchParams } = new URL(url)
  const time = now.toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`
  const query = [...searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort()
  const headers: Record<string, string> = { ...given, host, 'x-amz-date': time }
  const sorted = Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1))
  const names = sorted.map(([name]) => name).join(';')
  const lines = sorted.map(([name, value]) => `${name}:${value}\n`)
  const canonical = [method, pathname, query.join('&'), lines.join(''), names, hash(body)].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n')
  const key = scope.split('/').reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${secretAccessKey}`)
  const signature = hmac(key, toSign).toString('hex')
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  }
}

const hash = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex')
const hmac = (key: string | Buffer, content: string) => createHmac('sha256', key).update(content).digest()
const encode = (text: string) =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
