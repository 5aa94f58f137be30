import { Actor, Identity, permissions } from '@cloudoptima/core'
import * as Secret from '../../packages/core/src/identity/credentials/secret.ts'
import { organization } from '../../packages/api/src/fixture.ts'
import { expect } from 'vitest'
import { bearer } from './request.ts'
import { claimsOf, seconds, start, type Target } from './token-target.ts'
import { jwt } from './tokens.ts'

/** Headers and query that carry an invalid token. */
export interface Attack {
  headers: Record<string, string>
  query?: string
}

/** All kinds of invalid tokens, by their defect. */
export async function attacksOn(target: Target): Promise<[string, Attack][]> {
  const wrong = {
    ...(await forgeries(target)),
    ...(await wrongClaims(target)),
    ...(await endedCredentials(target)),
    ...(await invalidKeys(target)),
    ...foreignTokens(target),
  }
  const sent = Object.entries(wrong).map(([name, token]): [string, Attack] => [name, { headers: bearer(token) }])
  const lower = Object.entries(wrong)
    .slice(0, 3)
    .map(([name, token]): [string, Attack] => [`${name}, as bearer`, { headers: { Authorization: `bearer ${token}` } }])
  return [...sent, ...lower, ...Object.entries(misplaced(target))]
}

const header = ({ signers }: Target) => ({ alg: 'EdDSA', kid: signers.kid, typ: 'at+jwt' })

/** Tokens without a valid signature of the product's keys. */
async function forgeries(target: Target): Promise<Record<string, string>> {
  const { mine, theirs, issuer, signers, keySet } = target
  const claims = await claimsOf(target)
  const valid = mine.tokens.admin
  const [h = '', p = '', s = ''] = valid.split('.')
  const by = (changes: Record<string, unknown>, signer = signers.own) =>
    jwt({ ...header(target), ...changes }, claims, signer)
  const changed = (changes: Record<string, unknown>) =>
    `${h}.${Buffer.from(JSON.stringify({ ...claims, ...changes })).toString('base64url')}.${s}`
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: signers.publicBytes.toString('base64url') }
  const algorithms = Object.fromEntries(
    ['none', 'None', 'NONE', 'nOnE', ''].flatMap((alg) => [
      [`alg "${alg}", no signature`, by({ alg }, signers.nothing)],
      [`alg "${alg}", our signature`, by({ alg })],
    ]),
  )
  return {
    ...algorithms,
    'HS256 with our public key': by({ alg: 'HS256' }, signers.publicHs256),
    'HS256 with our public key as text': by({ alg: 'HS256' }, signers.publicTextHs256),
    'HS512 with our public key': by({ alg: 'HS512' }, signers.publicHs512),
    'HS256 with an empty secret': by({ alg: 'HS256' }, signers.emptyHs256),
    'RS256 of another key': by({ alg: 'RS256' }, signers.rsa),
    'ES256 of another key': by({ alg: 'ES256' }, signers.ec),
    'EdDSA of another key under our kid': by({}, signers.stranger),
    'a signature of zeros': by({}, signers.zeros),
    'the kid of our next key': by({ kid: keySet.keys.find(({ state }) => state === 'next')?.kid }),
    'a path as kid': by({ kid: '../../../../dev/null' }, signers.emptyHs256),
    'SQL as kid': by({ kid: "' UNION SELECT 'secret" }, signers.emptyHs256),
    'no kid': by({ kid: undefined }),
    'a number as kid': by({ kid: 1 }),
    'its own key in jwk': by({ jwk, kid: 'mine' }, signers.stranger),
    'its own keys in jku': by({ jku: `${issuer.url}/keys`, kid: 'foreign' }, signers.stranger),
    'its own certificate in x5u': by({ x5u: `${issuer.url}/keys`, x5c: ['MIIB'] }, signers.stranger),
    'an unsupported extension in crit': by({ crit: ['exp'] }, signers.stranger),
    'another role, the old signature': changed({ role: 'admin', jti: 'x' }),
    'more permissions, the old signature': changed({ permissions: [...permissions, 'write:everything'] }),
    'another organization, the old signature': changed({ org_id: theirs.orgId }),
    'another user, the old signature': changed({ sub: mine.users.viewer.id }),
    'another session, the old signature': changed({ sid: 'ses_other' }),
    'a later expiry, the old signature': changed({ exp: seconds + 1e6 }),
    'two parts': `${h}.${p}`,
    'four parts': `${valid}.${s}`,
    'five parts, as an encrypted token': `${h}..${p}.${s}.${s}`,
    'an empty signature': `${h}.${p}.`,
    'an empty header': `.${p}.${s}`,
    'padded Base64': `${h}.${p}.${s}==`,
    'Base64 with other last bits': `${valid.slice(0, -1)}${valid.endsWith('A') ? 'B' : String.fromCharCode(valid.charCodeAt(valid.length - 1) + 1)}`,
    'Base64 of another alphabet': `${h}.${p}.${s.replaceAll('-', '+').replaceAll('_', '/')}+/`,
    'a header that is not JSON': `${Buffer.from('{').toString('base64url')}.${p}.${s}`,
    'a payload that is null': jwt(header(target), 'null', signers.stranger),
    'header and payload swapped': `${p}.${h}.${s}`,
    'half a token': valid.slice(0, valid.length / 2),
    'a huge token': `${h}.${p}.${'A'.repeat(100_000)}`,
    'dots only': '...',
    null: 'null',
  }
}

/** Tokens signed by the product's key, with wrong claims or headers. */
async function wrongClaims(target: Target): Promise<Record<string, string>> {
  const { mine, theirs, issuer, signers } = target
  const claims = await claimsOf(target)
  const signed = (changes: Record<string, unknown>, head: Record<string, unknown> = {}) =>
    jwt({ ...header(target), ...head }, { ...claims, ...changes }, signers.own)
  return {
    'another issuer': signed({ iss: 'https://example.com' }),
    'an issuer that an organization trusts, our key': signed({ iss: issuer.url }),
    'no issuer': signed({ iss: undefined }),
    'another audience': signed({ aud: 'other' }),
    'no audience': signed({ aud: undefined }),
    'expired an hour ago': signed({ iat: seconds - 4500, exp: seconds - 3600 }),
    'no expiry': signed({ exp: undefined }),
    'a numeric string as expiry': signed({ exp: String(seconds + 900) }),
    'a word as expiry': signed({ exp: 'never' }),
    'not before tomorrow': signed({ nbf: seconds + 86_400 }),
    'another type': signed({}, { typ: 'JWT' }),
    'no type': signed({}, { typ: undefined }),
    'a session of another user': signed({ sub: mine.users.viewer.id }),
    'a session of another organization': signed({ org_id: theirs.orgId }),
    'an unknown user': signed({ sub: 'usr_none' }),
    'an unknown session': signed({ sid: 'ses_none' }),
    'an unknown organization': signed({ org_id: 'org_none' }),
  }
}

/** Credentials that have ended, or that have another purpose. */
async function endedCredentials(target: Target): Promise<Record<string, string>> {
  const { mine, world, send } = target
  const base = { ...world.ctx, orgId: mine.orgId, actor: Actor.anonymous() }
  const session = async (role: 'viewer' | 'analyst' | 'cfo') =>
    await Identity.Session.open(base, mine.users[role], 'password')
  const [ended, gone, locked] = [await session('viewer'), await session('analyst'), await session('cfo')]
  expect((await send('POST', '/v1/auth/logout', ended.accessToken)).status).toBe(200)
  expect((await send('POST', `/v1/users/${mine.users.cfo.id}/deactivate`, mine.tokens.admin)).status).toBe(200)
  await world.runtime.tables.users.remove(mine.orgId, mine.users.analyst.id)
  const dissolved = await organization(world.ctx, 'org_dissolved')
  await world.runtime.tables.organizations.remove('org_dissolved', 'org_dissolved')
  const mailed = await Identity.MailedToken.mint(
    { ...world.ctx, orgId: mine.orgId },
    'reset-password',
    mine.users.admin.id,
  )
  return {
    'the token of an ended session': ended.accessToken,
    'the token of a deactivated user': locked.accessToken,
    'the token of a deleted user': gone.accessToken,
    'the token of a deleted organization': dissolved.tokens.admin,
    'a refresh token': (await session('viewer')).refreshToken,
    'a mailed token': mailed,
    'an invitation': Secret.write('invitation', { orgId: mine.orgId, id: 'inv_1', value: Secret.random() }),
    "the memory runtime's token of the same user": world.members.tokens.admin,
  }
}

/** Forged, ended and unknown API keys. */
async function invalidKeys(target: Target): Promise<Record<string, string>> {
  const { mine, theirs, world, send } = target
  const make = async (token = mine.tokens.admin) =>
    (await send('POST', '/v1/api-keys', token, { name: 'key', permissions: ['read:costs'] })).body
  const [good, revoked, expired, orphan] = [
    await make(),
    await make(),
    await make(),
    await make(await promoted(target)),
  ]
  expect((await send('DELETE', `/v1/api-keys/${revoked['id']}`, mine.tokens.admin)).status).toBe(200)
  const kept = await world.runtime.tables.apiKeys.get(mine.orgId, expired['id'] ?? '')
  if (kept) await world.runtime.tables.apiKeys.put(mine.orgId, { ...kept, expiresAt: start.toISOString() })
  expect((await send('POST', `/v1/users/${mine.users.devops.id}/deactivate`, mine.tokens.admin)).status).toBe(200)
  const key = good['key'] ?? ''
  const [locator = '', value = ''] = key.split('.')
  const moved = (orgId: string, id = good['id'] ?? '') => Secret.write('key', { orgId, id, value })
  return {
    'a key with another secret': `${locator}.${Secret.random()}`,
    'a key of another organization': moved(theirs.orgId),
    'a key of another id': moved(mine.orgId, 'key_other'),
    'a revoked key': revoked['key'] ?? '',
    'an expired key': expired['key'] ?? '',
    'a key whose creator was deactivated': orphan['key'] ?? '',
    'a truncated key': key.slice(0, -1),
    'a key with one more character': `${key}A`,
    'a key without its secret': locator,
    'a key with the prefix of a refresh token': key.replace(/^co_/, 'cor_'),
    'a key in upper case': key.toUpperCase(),
    'a key whose locator is a path': `co_${Buffer.from('["../org_mine","key"]').toString('base64url')}.${value}`,
    'the hash of a key': `${locator}.${kept?.hash ?? ''}`,
  }
}

async function promoted({ mine, world, send }: Target): Promise<string> {
  expect(
    (await send('PUT', `/v1/users/${mine.users.devops.id}/role`, mine.tokens.admin, { role: 'admin' })).status,
  ).toBe(200)
  return (
    await Identity.Session.open(
      { ...world.ctx, orgId: mine.orgId, actor: Actor.anonymous() },
      { ...mine.users.devops, role: 'admin' },
      'password',
    )
  ).accessToken
}

/** Valid claims of a token of the trusted external issuer. */
export const foreignClaims = ({ mine }: Target) => ({
  aud: 'theirs',
  sub: 'somebody',
  email: mine.users.admin.email,
  email_verified: true,
  org_id: mine.orgId,
  iat: seconds,
  exp: seconds + 600,
})

/** Tokens of external issuers, trusted and untrusted. */
function foreignTokens(target: Target): Record<string, string> {
  const { mine, theirs, issuer, other, signers } = target
  const token = (changes: Record<string, unknown>, head?: Record<string, unknown>, by = issuer) =>
    by.token({ ...foreignClaims(target), ...changes }, head)
  return {
    'an issuer that another organization trusts': token({}, {}, other),
    'a trusted issuer that names another organization': token({ org_id: theirs.orgId }),
    'a trusted issuer that names two organizations': token({ org_id: theirs.orgId, 'custom:org_id': mine.orgId }),
    'a trusted issuer that names no organization': token({ org_id: undefined }),
    'a trusted issuer that names a list of organizations': token({ org_id: [mine.orgId] }),
    'a trusted issuer, a member of another organization': token({ email: theirs.users.admin.email }),
    'a trusted issuer, an unverified address': token({ email_verified: false }),
    'a trusted issuer, no address': token({ email: undefined }),
    'a trusted issuer, an unknown user': token({ email: 'nobody@example.com' }),
    'a trusted issuer, a deactivated user': token({ email: mine.users.cfo.email }),
    'a trusted issuer, another audience': token({ aud: 'others' }),
    'a trusted issuer, expired': token({ exp: seconds - 600 }),
    'a trusted issuer, no expiry': token({ exp: undefined }),
    'a trusted issuer, an unknown key': token({}, { kid: 'unknown' }),
    'a trusted issuer, no algorithm': token({}, { alg: 'none' }),
    'a trusted issuer that claims to be the product': token({ iss: 'urn:cloudoptima:attacked' }),
    'a trusted issuer that claims to be another issuer': issuer.token({
      ...foreignClaims(target),
      iss: other.url,
      org_id: theirs.orgId,
    }),
    'an untrusted issuer': jwt(
      { alg: 'ES256', kid: 'foreign' },
      { ...foreignClaims(target), iss: 'http://127.0.0.1:1' },
      signers.ec,
    ),
  }
}

/** Valid tokens that are not in a correct Authorization header. */
function misplaced({ mine }: Target): Record<string, Attack> {
  const token = mine.tokens.admin
  const as = (value: string): Attack => ({ headers: { Authorization: value } })
  return {
    'no header': { headers: {} },
    'an empty header': as(''),
    'the scheme alone': as('Bearer'),
    'no scheme': as(token),
    'Basic, the token as password': as(`Basic ${Buffer.from(`admin:${token}`).toString('base64')}`),
    'Basic with the token': as(`Basic ${token}`),
    'Basic, a valid password': as(
      `Basic ${Buffer.from(`${mine.users.admin.email}:correct horse battery staple`).toString('base64')}`,
    ),
    Digest: as(`Digest ${token}`),
    'Bearer with a colon': as(`Bearer: ${token}`),
    'the scheme twice': as(`Bearer Bearer ${token}`),
    'two tokens': as(`Bearer ${token} ${token}`),
    'two headers': as(`Bearer ${token}, Bearer ${token}`),
    'a quoted token': as(`Bearer "${token}"`),
    'a non-ASCII character': as(`Bearer ${token}é`),
    'in the query': { headers: {}, query: `access_token=${token}&token=${token}` },
    'in a cookie': { headers: { Cookie: `access_token=${token}; token=${token}; session=${token}` } },
    'in another header': {
      headers: { 'X-Access-Token': token, 'X-Api-Key': token, 'Proxy-Authorization': `Bearer ${token}` },
    },
    'identity headers of a proxy': {
      headers: { 'X-User-Id': mine.users.admin.id, 'X-Forwarded-User': mine.users.admin.email, 'X-Org-Id': mine.orgId },
    },
  }
}
