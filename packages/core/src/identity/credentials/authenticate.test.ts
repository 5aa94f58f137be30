import * as Members from '../people/members.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../kernel/fault.ts'
import * as Organization from '../../organization/organization.ts'
import { system } from '../../kernel/actor.ts'
import { permissionsOf } from '../../kernel/permission.ts'
import type { Claims, Runtime } from '../../effects/runtime.ts'
import * as ApiKey from './api-key.ts'
import { authenticate } from './authenticate.ts'
import { trustMs } from './auth-state.ts'
import { me, updateMe } from '../people/me.ts'
import * as Sessions from './sessions.ts'
import * as TokenIssuer from './token-issuer.ts'
import { type Person, refusal, world } from '../../testing/identity.ts'

const said = {
  code: 'unauthenticated',
  message: 'The access token is missing, invalid or expired. Sign in, and send the token as Authorization: Bearer.',
}

function part(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

describe('our access token', () => {
  test('yields actor, organization, tier and currency', async () => {
    const { found, anyone } = world()
    const ada = await found()
    await Organization.update(ada.ctx, { currency: 'CHF' })
    await Organization.setTier({ ...ada.ctx, actor: system('operator') }, { tier: 'pro' })
    const { ctx, tier } = await authenticate(anyone('203.0.113.5'), `bearer   ${ada.accessToken}`)
    expect(tier).toBe('pro')
    expect(ctx).toMatchObject({
      orgId: ada.orgId,
      currency: 'CHF',
      actor: { kind: 'user', id: ada.userId, role: 'admin', address: '203.0.113.5' },
    })
    expect(ctx.actor.permissions).toEqual(new Set(permissionsOf('admin')))
  })

  test('has only the permissions in its claims', async () => {
    const { found, as, runtime } = world()
    const ada = await found()
    const claims = await runtime.tokens.verify(ada.accessToken)
    const narrow = await runtime.tokens.sign({ ...claims, permissions: ['read:costs'] })
    expect([...(await as(narrow)).actor.permissions]).toEqual(['read:costs'])
  })

  test('with a mismatched session, user or organization is refused', async () => {
    const { found, anyone, runtime } = world()
    const [ada, bob] = [await found(), await found('bob@example.com')]
    const [mine, other] = [await runtime.tokens.verify(ada.accessToken), await runtime.tokens.verify(bob.accessToken)]
    const forged: Claims[] = [
      { ...mine, org_id: other.org_id },
      { ...mine, sub: other.sub },
      { ...mine, sid: other.sid },
      { ...mine, sid: 'ses_none' },
      { ...other, sub: mine.sub },
      { ...mine, org_id: 'identity' },
    ]
    for (const claims of forged)
      expect(await refusal(authenticate(anyone(), `Bearer ${await runtime.tokens.sign(claims)}`))).toEqual(said)
  })
})

test('the ids of a user who has just signed in are no token', async () => {
  const { found, as, anyone, runtime } = world()
  const ada = await found()
  const { sid } = await runtime.tokens.verify(ada.accessToken)
  await as(ada.accessToken)
  expect(await refusal(authenticate(anyone(), `${ada.orgId}/${ada.userId}/${sid}`))).toEqual(said)
})

describe('what a token proves', () => {
  /** A second process: the same tables, a memory of its own, and a count of verified tokens. */
  function otherProcess(runtime: Runtime) {
    const counts = { verified: 0 }
    const verify: Runtime['tokens']['verify'] = async (token) => (counts.verified++, await runtime.tokens.verify(token))
    return { other: { ...runtime, tokens: { ...runtime.tokens, verify } }, counts }
  }

  test('is remembered for a while, but the address is always that of the request', async () => {
    const { found, anyone, runtime, pass } = world()
    const { accessToken } = await found()
    const { other, counts } = otherProcess(runtime)
    const addressOf = async (address: string) =>
      (await authenticate(anyone(address, other), `Bearer ${accessToken}`)).ctx.actor.address
    expect([await addressOf('192.0.2.1'), await addressOf('192.0.2.2')]).toEqual(['192.0.2.1', '192.0.2.2'])
    expect(counts.verified).toBe(1)
    pass(trustMs / 1000)
    await addressOf('192.0.2.1')
    expect(counts.verified).toBe(2)
  })

  test('ends at once with the session in its process, and after 5 s in every other', async () => {
    const { found, as, runtime, pass } = world()
    const ada = await found()
    const { other } = otherProcess(runtime)
    await as(ada.accessToken, other)
    pass(trustMs / 1000 - 1)
    await Sessions.logout(ada.ctx, {})
    expect(await refusal(as(ada.accessToken))).toEqual(said)
    expect((await as(ada.accessToken, other)).orgId).toBe(ada.orgId)
    pass(1)
    expect(await refusal(as(ada.accessToken, other))).toEqual(said)
  })

  test('ends with the token', async () => {
    const { found, as, runtime, now, pass } = world()
    const ada = await found()
    const claims = await runtime.tokens.verify(ada.accessToken)
    const brief = await runtime.tokens.sign({ ...claims, exp: Math.floor(now().getTime() / 1000) + 2 })
    const { other, counts } = otherProcess(runtime)
    for (let n = 0; n < 2; n++) await as(brief, other)
    expect(counts.verified).toBe(1)
    pass(2)
    await as(brief, other).catch(() => undefined)
    expect(counts.verified).toBe(2)
  })

  test('is asked for /me once for each token and state', async () => {
    const { found, as, runtime } = world()
    const ada = await found()
    const claims = await runtime.tokens.verify(ada.accessToken)
    const narrow = await runtime.tokens.sign({ ...claims, permissions: ['read:costs'] })
    const [wide, again] = [await me(await as(ada.accessToken), {}), await me(await as(ada.accessToken), {})]
    expect(again).toBe(wide)
    expect((await me(await as(narrow), {})).permissions).toEqual(['read:costs'])
    await updateMe(ada.ctx, { fullName: 'Ada Lovelace' })
    expect((await me(await as(ada.accessToken), {})).user?.fullName).toBe('Ada Lovelace')
  })
})

describe('any other credential', () => {
  test('is refused with the same fault', async () => {
    const { found, anyone, runtime } = world()
    const ada = await found()
    const key = await ApiKey.create(ada.ctx, { name: 'x', permissions: ['read:costs'] })
    const verifyIssued = async (): Promise<never> => {
      throw new Fault('unauthenticated', 'the signature is wrong at byte 7')
    }
    await TokenIssuer.put(ada.ctx, { issuer: 'https://idp.example', audience: 'a' })
    const ctx = anyone(undefined, { ...runtime, tokens: { ...runtime.tokens, verifyIssued } })
    const json = fc.oneof(
      fc.jsonValue(),
      fc.record({
        iss: fc.constantFrom('https://idp.example', 'urn:test', 7),
        org_id: fc.constantFrom(ada.orgId, 'identity', '__proto__', {}),
      }),
    )
    const token = fc.oneof(
      fc.string(),
      fc.tuple(json, json, fc.string()).map(([head, body, mac]) => `${part(head)}.${part(body)}.${part(mac)}`),
      fc
        .tuple(fc.constantFrom('co', 'cor', 'com', 'coi'), json, fc.string())
        .map(([prefix, body, value]) => `${prefix}_${part(body)}.${part(value).padEnd(43, 'x').slice(0, 43)}`),
      fc
        .tuple(
          fc.constantFrom(ada.accessToken, key.key, ada.refreshToken),
          fc.nat(),
          fc.constantFrom('', 'x', '.', '%', '\u0000'),
        )
        .map(([good, at, put]) => {
          const i = at % good.length
          return `${good.slice(0, i)}${put}${good.slice(i + 1)}x`
        }),
    )
    const scheme = fc.constantFrom('Bearer ', 'bearer ', 'Basic ', '', 'Bearer  ', 'Bearer\t')
    await fc.assert(
      fc.asyncProperty(scheme, token, async (scheme, token) => {
        expect(await refusal(authenticate(ctx, `${scheme}${token}`))).toEqual(said)
      }),
      { numRuns: 500 },
    )
    for (const header of [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      `Bearer ${'x'.repeat(9000)}`,
      ada.accessToken,
      `Bearer ${ada.refreshToken}`,
      `Bearer ${ada.accessToken} x`,
    ])
      expect(await refusal(authenticate(ctx, header))).toEqual(said)
  })
})

describe('a token of a trusted issuer', () => {
  const issuerOf = (name: string) => ({ issuer: `https://${name}.example`, audience: `app-${name}` })

  /** Tokens of these issuers are what they say: issuer and audience are checked, as the real ones are. */
  async function trusting() {
    const at = world()
    const verifyIssued: typeof at.runtime.tokens.verifyIssued = async (token, { issuer, audience }) => {
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
        string,
        unknown
      >
      if (claims['iss'] !== issuer || claims['aud'] !== audience) throw new Fault('unauthenticated', 'no')
      return claims
    }
    Object.assign(at.runtime.tokens, { verifyIssued })
    const [ada, bob] = [await at.found(), await at.found('bob@other.example', 'Other')]
    await TokenIssuer.put(ada.ctx, issuerOf('ada'))
    await TokenIssuer.put(bob.ctx, issuerOf('bob'))
    const tokenFor = (issuer: 'ada' | 'bob', person: Person, change: object = {}): string => {
      const { issuer: iss, audience: aud } = issuerOf(issuer)
      return `${part({ alg: 'RS256' })}.${part({ iss, aud, sub: `sub-${person.userId}`, org_id: person.orgId, email: person.email, email_verified: true, ...change })}.signature`
    }
    const outcome = async (token: string) => await refusal(at.as(token))
    return { ...at, ada, bob, tokenFor, outcome }
  }

  test('authenticates the named member with the current role', async () => {
    const { ada, join, as, tokenFor } = await trusting()
    const cfo = await join(ada, 'cfo')
    const ctx = await as(tokenFor('ada', cfo))
    expect(ctx).toMatchObject({ orgId: ada.orgId, actor: { kind: 'user', id: cfo.userId, role: 'cfo' } })
    expect(ctx.actor.permissions).toEqual(permissionsOf('cfo'))
    expect(
      (
        await as(
          tokenFor(
            'ada',
            { ...cfo, email: 'CFO@Example.com' },
            { org_id: undefined, 'custom:org_id': ada.orgId, email_verified: 'true' },
          ),
        )
      ).actor.id,
    ).toBe(cfo.userId)
    await Members.deactivate(ada.ctx, { id: cfo.userId })
    await expect(as(tokenFor('ada', cfo))).rejects.toMatchObject(said)
  })

  test('stays bound to its first subject, not to the address', async () => {
    const { ada, tokenFor, outcome } = await trusting()
    expect(await outcome(tokenFor('ada', ada, { sub: undefined }))).toEqual(said)
    expect(await outcome(tokenFor('ada', ada))).toBeUndefined()
    expect(await outcome(tokenFor('ada', ada, { sub: 'somebody-else' }))).toEqual(said)
    expect(await outcome(tokenFor('ada', ada))).toBeUndefined()
  })

  test('is refused for another organization', async () => {
    const { ada, bob, tokenFor, outcome } = await trusting()
    expect(await outcome(tokenFor('ada', bob))).toEqual(said)
    expect(await outcome(tokenFor('bob', bob, { org_id: ada.orgId, email: ada.email }))).toEqual(said)
    expect(await outcome(tokenFor('ada', ada, { email: bob.email }))).toEqual(said)
    expect(await outcome(tokenFor('ada', ada))).toBeUndefined()
  })

  test('requires a verified address of a member, and the organization', async () => {
    const { ada, tokenFor, outcome } = await trusting()
    const wrong = [
      { email_verified: false },
      { email_verified: 'yes' },
      { email_verified: undefined },
      { email: undefined },
      { email: 7 },
      { email: 'x@example.com' },
      { org_id: undefined },
    ]
    for (const change of wrong) expect(await outcome(tokenFor('ada', ada, change))).toEqual(said)
  })

  test('accepts xms_edov only from Microsoft Entra', async () => {
    const { ada, tokenFor, outcome } = await trusting()
    const without = { email_verified: undefined, xms_edov: true }
    expect(await outcome(tokenFor('ada', ada, without))).toEqual(said)
    const iss = 'https://login.microsoftonline.com/8f2e4c1a-5b7d-4e3f-9a6b-0c1d2e3f4a5b/v2.0'
    await TokenIssuer.put(ada.ctx, { issuer: iss, audience: 'app-ada' })
    expect(await outcome(tokenFor('ada', ada, { ...without, iss }))).toBeUndefined()
    for (const change of [{ xms_edov: 0 }, { xms_edov: undefined }, { email_verified: false }])
      expect(await outcome(tokenFor('ada', ada, { ...without, iss, ...change }))).toEqual(said)
  })

  test('whose verified claims name another organization than its unverified ones is refused', async () => {
    const { ada, bob, tokenFor, runtime, outcome } = await trusting()
    Object.assign(runtime.tokens, {
      verifyIssued: async () => ({ org_id: bob.orgId, email: ada.email, email_verified: true }),
    })
    expect(await outcome(tokenFor('ada', ada))).toEqual(said)
  })

  test('is refused once its issuer is removed', async () => {
    const { ada, tokenFor, outcome } = await trusting()
    expect(await TokenIssuer.get(ada.ctx, {})).toEqual(issuerOf('ada'))
    await TokenIssuer.remove(ada.ctx, {})
    expect(await outcome(tokenFor('ada', ada))).toEqual(said)
    await expect(TokenIssuer.remove(ada.ctx, {})).rejects.toMatchObject({ code: 'not_found' })
  })

  test('only admins configure an issuer; our own and invalid URLs are refused', async () => {
    const { ada, join, runtime } = await trusting()
    Object.assign(runtime.tokens, { issuer: 'https://api.example.com' })
    for (const issuer of [runtime.tokens.issuer, 'file:///etc/passwd', 'javascript:alert(1)', 'x']) {
      await expect(TokenIssuer.put(ada.ctx, { issuer, audience: 'a' })).rejects.toMatchObject({ code: 'invalid' })
    }
    await expect(TokenIssuer.put((await join(ada, 'devops')).ctx, issuerOf('eve'))).rejects.toMatchObject({
      code: 'forbidden',
    })
  })
})
