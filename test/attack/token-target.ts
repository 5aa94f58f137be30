import { KeySet } from '@cloudoptima/runtime'
import { appWithLake, type Members, organization } from '../../packages/api/src/fixture.ts'
import { createIssuerTokens } from '../../packages/runtime/src/tokens/issuer-tokens.ts'
import { createGuardedFetch } from '../../packages/runtime/src/tokens/guarded-fetch.ts'
import { createTokens } from '../../packages/runtime/src/tokens/tokens.ts'
import { bearer } from './request.ts'
import { type Issuer, signersOf, startIssuer } from './tokens.ts'

export const start = new Date('2026-11-23T08:00:00Z')
export const seconds = start.getTime() / 1000

/** Two organizations over tables in memory with real tokens, each with a trusted external issuer. */
export interface Target {
  world: Awaited<ReturnType<typeof appWithLake>>
  mine: Members
  theirs: Members
  /** External issuer that `mine` trusts. */
  issuer: Issuer
  /** External issuer that `theirs` trusts. */
  other: Issuer
  keySet: KeySet.Info
  signers: ReturnType<typeof signersOf>
  send(
    method: string,
    path: string,
    token: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, string> }>
  close(): void
}

/** Requires fake timers that stand at `start`. */
export async function openTarget(): Promise<Target> {
  const world = await appWithLake()
  const [issuer, other] = [await startIssuer(), await startIssuer()]
  const keySet = KeySet.fresh(start)
  const named = { issuer: 'urn:cloudoptima:attacked', audience: 'cloudoptima-api' }
  const tokens = createTokens({ ...named, readKeys: () => Promise.resolve(keySet) })
  const issuerTokens = createIssuerTokens(createGuardedFetch({ allowLoopback: true }))
  Object.assign(world.runtime, { tokens: { ...named, ...tokens, ...issuerTokens } })
  const [mine, theirs] = [await organization(world.ctx, 'org_mine'), await organization(world.ctx, 'org_theirs')]
  const send: Target['send'] = async (method, path, token, body) => {
    const init = {
      method,
      headers: { ...bearer(token), 'Content-Type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }
    const response = await world.anonymous.request(path, init)
    return { status: response.status, body: (await response.json()) as Record<string, string> }
  }
  for (const [{ tokens: memberTokens }, { url }] of [
    [mine, issuer],
    [theirs, other],
  ] as const)
    await send('PUT', '/v1/organization/token-issuer', memberTokens.admin, { issuer: url, audience: 'theirs' })
  const close = () => [issuer, other].forEach((each) => each.close())
  return { world, mine, theirs, issuer, other, keySet, signers: signersOf(keySet), send, close }
}

/** The claims of the admin's token. */
export async function claimsOf({ world, mine }: Target): Promise<Record<string, unknown>> {
  return { ...(await world.runtime.tokens.verify(mine.tokens.admin)) }
}
