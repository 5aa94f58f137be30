import { createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'

export interface Answer {
  status: number
  body: string
}

interface Call {
  method: 'GET' | 'POST' | 'PUT'
  url: string
  body?: Uint8Array | string
}

/** Sends requests to the emulator, whatever host their URL names. */
export function createClient({ port, ca }: { port: number; ca: string }) {
  const authorities = readFileSync(ca)

  /** As it is: how a pre-signed URL is used. */
  const send = async ({ method, url, body = '' }: Call, headers: Record<string, string> = {}): Promise<Answer> => {
    const { host, pathname, search } = new URL(url)
    return await new Promise((resolve, reject) => {
      const outgoing = request(
        { host: '127.0.0.1', port, servername: 'localhost', ca: authorities, method, path: pathname + search, headers: { host, ...headers } },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
          response.on('error', reject)
        },
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  /** With a signature of the account: how the API wants to be asked. */
  const sendSigned = async (call: Call, signer: Signer): Promise<Answer> => await send(call, sign(call, signer, new Date()))

  return { send, sendSigned }
}

interface Signer {
  region: string
  accessKeyId: string
  secretAccessKey: string
}

/** AWS Signature Version 4 for API Gateway: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function sign({ method, url, body = '' }: Call, { region, accessKeyId, secretAccessKey }: Signer, now: Date): Record<string, string> {
  const { host, pathname, searchParams } = new URL(url)
  const time = now.toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const scope = `${time.slice(0, 8)}/${region}/execute-api/aws4_request`
  const query = [...searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort()
  const headers = { 'content-type': 'application/json', host, 'x-amz-date': time }
  const names = Object.keys(headers).join(';')
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
  const canonical = [method, pathname, query.join('&'), lines.join(''), names, hash(body)].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n')
  const key = scope.split('/').reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${secretAccessKey}`)
  const signature = hmac(key, toSign).toString('hex')
  return { ...headers, authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}` }
}

const hash = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex')
const hmac = (key: string | Buffer, content: string) => createHmac('sha256', key).update(content).digest()
const encode = (text: string) => encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
