import { routes } from '@cloudoptima/api'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { requestOf, report } from './request.ts'
import { attacksOn, foreignClaims } from './token-kinds.ts'
import { openTarget, start, type Target } from './token-target.ts'

const guarded = routes.filter(({ permission }) => permission !== 'public')
let target: Target

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: start })
  target = await openTarget()
})
afterAll(() => {
  vi.useRealTimers()
  target.close()
})

test('every protected operation refuses each kind of invalid token with the same answer', async () => {
  const { world, mine, issuer, send } = target
  // Control: valid tokens of both kinds are accepted, so a refusal below is due to the change in the token.
  const validStatuses = async () => [
    (await send('GET', '/v1/me', mine.tokens.admin)).status,
    (await send('GET', '/v1/me', issuer.token(foreignClaims(target)))).status,
  ]
  expect(await validStatuses()).toEqual([200, 200])
  const attacks = await attacksOn(target)
  const answers = new Map<string, string[]>()
  for (const [name, { headers, query }] of attacks) {
    for (const route of guarded) {
      const { path, init } = requestOf(route, { headers })
      const response = await world.anonymous.request(
        query === undefined ? path : `${path}${path.includes('?') ? '&' : '?'}${query}`,
        init,
      )
      const { requestId: _, ...body } = (await response.json()) as Record<string, unknown>
      const answer = JSON.stringify([response.status, response.headers.get('WWW-Authenticate'), body])
      answers.set(answer, [...(answers.get(answer) ?? []), `${route.id}: ${name}`])
    }
  }
  const tries = attacks.length * guarded.length
  const distinct = [...answers].map(([answer, cases]) => [answer, cases.length, cases.slice(0, 20)])
  expect(distinct).toEqual([
    [expect.stringMatching(/^\[401,"Bearer",\{"type":"\/v1\/docs\/errors#unauthenticated"/), tries, expect.anything()],
  ])
  expect(await validStatuses()).toEqual([200, 200])
  report(
    `invalid tokens: ${attacks.length} kinds x ${guarded.length} protected operations = ${tries}, all with the ` +
      'same refusal',
  )
})
