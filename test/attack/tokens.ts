import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KeySet } from '@cloudoptima/runtime'

/** Signs the first two parts of a token. */
export type Signer = (text: string) => Buffer

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token of this header and payload; strings are used unchanged. */
export function jwt(header: unknown, payload: unknown, signer: Signer): string {
  const text = `${part(header)}.${part(payload)}`
  return `${text}.${signer(text).toString('base64url')}`
}

/** Signers for attacks on a key set: its own key, other keys, and HMAC with its public key as secret. */
export function signersOf(keySet: KeySet.Info) {
  const { kid, privateJwk } = KeySet.current(keySet)
  const own = createPrivateKey({ key: privateJwk, format: 'jwk' })
  const publicBytes = Buffer.from(privateJwk.x, 'base64url')
  const hmac =
    (secret: string | Buffer, hash: string): Signer =>
    (text) =>
      createHmac(hash, secret).update(text).digest()
  return {
    kid,
    publicBytes,
    own: eddsa(own),
    stranger: eddsa(generateKeyPairSync('ed25519').privateKey),
    rsa: (
      (key) => (text) =>
        sign('sha256', Buffer.from(text), key)
    )(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey) as Signer,
    ec: es256(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
    publicHs256: hmac(publicBytes, 'sha256'),
    publicTextHs256: hmac(privateJwk.x, 'sha256'),
    publicHs512: hmac(publicBytes, 'sha512'),
    emptyHs256: hmac('', 'sha256'),
    nothing: (() => Buffer.alloc(0)) as Signer,
    zeros: (() => Buffer.alloc(64)) as Signer,
  }
}

function eddsa(key: KeyObject): Signer {
  return (text) => sign(null, Buffer.from(text), key)
}

function es256(key: KeyObject): Signer {
  return (text) => sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
}

/** An OpenID Connect issuer on this machine. */
export interface Issuer {
  url: string
  /** A signed token with any claims. */
  token(claims: Record<string, unknown>, header?: Record<string, unknown>): string
  close(): void
}

/** Starts an issuer with a discovery document and one key. */
export async function startIssuer(): Promise<Issuer> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'foreign', use: 'sig', alg: 'ES256' }
  const server = createServer((request, response) => {
    const isKeys = request.url === '/keys'
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify(isKeys ? { keys: [jwk] } : { issuer: url, jwks_uri: `${url}/keys` }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const signer = es256(privateKey)
  const token = (claims: Record<string, unknown>, header: Record<string, unknown> = {}) =>
    jwt({ alg: 'ES256', kid: 'foreign', typ: 'JWT', ...header }, { iss: url, ...claims }, signer)
  return { url, token, close: () => void server.close() }
}
