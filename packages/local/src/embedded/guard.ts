import { createHash, hash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import { once } from 'node:events'

/**
 * Makes a loopback server refuse web pages and other users: a request with an `Origin` gets 403, one with another
 * `Host` (DNS rebinding) 421, and one without the secret, as a bearer token or in an AWS signature, 403.
 */
export function guard(server: Server, secret?: string): void {
  const listeners = server.listeners('request') as RequestListener[]
  server.removeAllListeners('request')
  const access = secret === undefined ? undefined : { secret, keyOf: signingKeys(secret) }
  server.on('request', (request, response) => {
    const status = refusalOf(request, access)
    if (status !== undefined) return void response.writeHead(status, { Connection: 'close' }).end()
    for (const listen of listeners) listen(request, response)
  })
}

interface Access {
  secret: string
  /** The signing key of a scope. */
  keyOf(scope: string): KeyObject
}

function refusalOf(request: IncomingMessage, access: Access | undefined) {
  const { headers, socket } = request
  if (headers.origin !== undefined) return 403
  if (headers.host !== `127.0.0.1:${socket.localPort}`) return 421
  return access === undefined || isAuthorized(request, access) ? undefined : 403
}

function isAuthorized(request: IncomingMessage, { secret, keyOf }: Access) {
  const { authorization = '' } = request.headers
  if (authorization.startsWith('Bearer ')) return isEqual(authorization.slice('Bearer '.length), secret)
  const { searchParams } = new URL(request.url ?? '', 'http://127.0.0.1')
  const signed = searchParams.has('X-Amz-Signature') ? ofQuery(searchParams) : ofHeader(request, authorization)
  return (
    signed !== undefined &&
    signsItsOrders(request, signed) &&
    isEqual(signed.signature, signatureOf(request, signed, keyOf(signed.scope)))
  )
}

/** As on AWS: a header such as `x-amz-copy-source`, which changes the meaning of a request, must be signed. */
function signsItsOrders({ headers }: IncomingMessage, signed: Signed) {
  const names = new Set(signed.headers.split(';'))
  return Object.keys(headers).every((name) => !name.startsWith('x-amz-') || names.has(name))
}

interface Signed {
  date: string
  /** `{day}/{region}/{service}/aws4_request` */
  scope: string
  headers: string
  signature: string
  payload: string
}

function ofHeader({ headers }: IncomingMessage, authorization: string): Signed | undefined {
  const pattern = /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\S+), SignedHeaders=(\S+), Signature=(\w+)$/
  const [, scope, names, signature] = pattern.exec(authorization) ?? []
  if (!scope || !names || !signature) return undefined
  const [date, payload] = [headers['x-amz-date'], headers['x-amz-content-sha256']].map(String)
  return { date: date ?? '', scope, headers: names, signature, payload: payload ?? '' }
}

/** A pre-signed URL, until it expires. */
function ofQuery(query: URLSearchParams): Signed | undefined {
  const of = (name: string) => query.get(`X-Amz-${name}`) ?? ''
  const date = of('Date')
  const iso = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
  if (!(Date.now() < Date.parse(iso) + Number(of('Expires')) * 1000)) return undefined
  const scope = of('Credential').split('/').slice(1).join('/')
  const payload = of('Content-Sha256') || 'UNSIGNED-PAYLOAD'
  return { date, scope, headers: of('SignedHeaders'), signature: of('Signature'), payload }
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function signatureOf({ method, url = '', headers }: IncomingMessage, signed: Signed, key: KeyObject) {
  const [path = '', query = ''] = url.split('?', 2)
  const parameters = query
    .split('&')
    .filter((part) => part !== '' && !part.startsWith('X-Amz-Signature='))
    .map((part) => (part.includes('=') ? part : `${part}=`))
  const names = signed.headers.split(';')
  const lines = names.map((name) => `${name}:${String(headers[name]).trim().replaceAll(/ +/g, ' ')}\n`)
  const canonical = [method, path, parameters.toSorted().join('&'), lines.join(''), signed.headers, signed.payload]
  const digest = hash('sha256', canonical.join('\n'))
  return hmac(key, ['AWS4-HMAC-SHA256', signed.date, signed.scope, digest].join('\n')).digest('hex')
}

/** Clients sign with one scope for a day, so the key of the last scope is kept. */
function signingKeys(secret: string): Access['keyOf'] {
  let last: { scope: string; key: KeyObject } | undefined
  return (scope) => {
    if (last?.scope !== scope) {
      const key = scope.split('/').reduce((by, part) => hmac(by, part).digest(), Buffer.from(`AWS4${secret}`))
      last = { scope, key: createSecretKey(key) }
    }
    return last.key
  }
}

const hmac = (key: Buffer | KeyObject, text: string) => createHmac('sha256', key).update(text)

function isEqual(given: string, expected: string) {
  const [a, b] = [given, expected].map((text) => createHash('sha256').update(text).digest())
  return a !== undefined && b !== undefined && timingSafeEqual(a, b)
}

export interface Service {
  url: string
  close(): Promise<void>
}

export async function listen(server: Server): Promise<Service> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The embedded server does not listen on a port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      // Idle keep-alive connections of clients would delay the close.
      const idle = setInterval(() => server.closeIdleConnections(), 20)
      try {
        await new Promise<void>((resolve, reject) => void server.close((error) => (error ? reject(error) : resolve())))
      } finally {
        clearInterval(idle)
      }
    },
  }
}
