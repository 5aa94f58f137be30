import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** A secret that must not appear anywhere, in all its encodings. */
export interface Canary {
  name: string
  needles: string[]
}

/** A canary of a secret: plain, JSON, URL, hexadecimal and Base64 encodings. */
export function canaryOf(name: string, secret: string): Canary {
  const bytes = Buffer.from(secret)
  // The Base64 of a text depends on its offset modulo 3, and its ends depend on the neighboring bytes.
  const shifted = [0, 1, 2].flatMap((offset) => {
    const written = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
    const inner = written.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')]
  })
  const needles = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString('hex'),
    ...shifted,
  ]
  return { name, needles: [...new Set(needles)] }
}

/** The secret part of a token: its signature or its random value. */
export function secretPart(token: string): string {
  return token.slice(token.lastIndexOf('.') + 1)
}

/** A random password, which cannot appear anywhere by chance. */
export function password(name: string): string {
  return `canary ${name} ${randomBytes(9).toString('hex')}`
}

/** A service account's key file in Base64, and one line of its private key. */
export function serviceAccount(): { json: string; secret: string } {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const json = JSON.stringify({
    type: 'service_account',
    client_email: 'reader@canary-project.iam.gserviceaccount.com',
    private_key: privateKey,
    private_key_id: 'k1',
  })
  return { json: Buffer.from(json).toString('base64'), secret: privateKey.split('\n')[5] ?? '' }
}

/** The code of an authenticator app (RFC 6238). */
export function totp(secret: string, now = Date.now()): string {
  const bits = Array.from(secret, (letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  ).join('')
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(now / 30_000)))
  const mac = createHmac('sha1', key).update(counter).digest()
  const at = (mac.at(-1) ?? 0) & 15
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** STS's answer about the installation's own account. */
const callerIdentity =
  '<GetCallerIdentityResponse ' +
  'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/cloudoptima</Arn><UserId>u</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>'

/** A fake of clouds and identity providers that repeats each request in its error. Only GetCallerIdentity succeeds. */
export async function startEcho(): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      response.setHeader('Content-Type', 'application/json')
      if (request.url?.includes('.well-known')) return response.end(JSON.stringify(discovery()))
      if (request.url === '/keys') return response.end(JSON.stringify({ keys: [{ kty: 'OKP', kid: 'echo' }] }))
      if (body.includes('Action=GetCallerIdentity'))
        return response.setHeader('Content-Type', 'text/xml').end(callerIdentity)
      const message =
        `AADSTS7000215: ${request.url} ${JSON.stringify(request.headers)} ${body} ` +
        decodeURIComponent(body.replaceAll('+', ' '))
      return response.writeHead(401).end(
        JSON.stringify({
          error: 'invalid_client',
          error_codes: [7000215],
          error_description: message,
          message,
          Message: message,
        }),
      )
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const discovery = () => ({
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/keys`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  })
  return { url, close: () => void server.close() }
}

/** The content of every file below a folder, by relative path. */
export async function filesIn(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return new Map(
    await Promise.all(
      paths.map(async (path) => [path.slice(folder.length + 1), (await readFile(path)).toString('latin1')] as const),
    ),
  )
}

/** The names of the canaries that a text contains. */
export function foundIn(haystack: string, canaries: readonly Canary[]): string[] {
  return canaries.filter(({ needles }) => needles.some((needle) => haystack.includes(needle))).map(({ name }) => name)
}
