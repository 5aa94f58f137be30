import { createApp } from '@cloudoptima/api'
import { Identity } from '@cloudoptima/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorld, type World } from '../world.ts'
import { bearer, report } from './request.ts'

let world: World
let app: ReturnType<typeof createApp>
let now = Date.now()
let address = 0
const lines: string[] = []

beforeAll(async () => {
  const clock = () => new Date(now)
  world = await openWorld({ now: clock })
  const write = (message: string, fields: unknown) => void lines.push(JSON.stringify([message, fields]))
  const log = { info: () => undefined, warn: write, error: write }
  app = createApp({
    runtime: world.services.runtime,
    log,
    now: clock,
    address: () => `192.0.2.${address++ % 250}`,
    publicUrl: 'https://api.example.com',
  })
  await Identity.foundOrganization(world.ctx, {
    name: 'x',
    email: 'ada@example.com',
    passwordHash: await world.services.runtime.passwords.hash('correct horse battery staple'),
  })
})
afterAll(async () => await world.end())

interface Tokens {
  access_token: string
  refresh_token: string
}

async function post(path: string, body: unknown): Promise<{ status: number; tokens: Tokens }> {
  const response = await app.request(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, tokens: (await response.json()) as Tokens }
}

const login = async () =>
  (await post('/v1/auth/login', { email: 'ada@example.com', password: 'correct horse battery staple' })).tokens
const refresh = async (refresh_token: string) => await post('/v1/auth/refresh', { refresh_token })
const me = async ({ access_token }: Tokens) => (await app.request('/v1/me', { headers: bearer(access_token) })).status

test('50 concurrent refreshes, ten times, leave exactly one lineage', async () => {
  let tokens = await login()
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(Array.from({ length: 50 }, async () => await refresh(tokens.refresh_token)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(answers.map(({ tokens: { refresh_token } }) => refresh_token)).size).toBe(1)
    expect(await me(tokens)).toBe(200)
    tokens = answers[0]?.tokens ?? tokens
    now += 20_000
  }
  expect((await refresh(tokens.refresh_token)).status).toBe(200)
  report('refresh: 10 x 50 concurrent refreshes, one lineage each time')
})

test('the reuse of any old refresh token ends all tokens of its session, and no other session', async () => {
  const generations = 6
  for (let old = 0; old < generations; old++) {
    const other = await login()
    const family = [await login()]
    for (let n = 0; n < generations; n++) {
      const { status, tokens } = await refresh(family.at(-1)?.refresh_token ?? '')
      expect(status).toBe(200)
      family.push(tokens)
      now += 11_000
    }
    const newest = family.at(-1) ?? other
    expect(await me(newest)).toBe(200)
    expect((await refresh(family[old]?.refresh_token ?? '')).status).toBe(401)
    for (const { refresh_token } of family) expect((await refresh(refresh_token)).status).toBe(401)
    expect(await me(newest)).toBe(401)
    expect((await refresh(other.refresh_token)).status).toBe(200)
  }
  expect(lines.filter((line) => line.includes('"reason":"reuse"'))).toHaveLength(generations)
  const audit = await world.services.runtime.tables.audit.all(world.ctx.orgId)
  expect(audit.filter(({ action, result }) => action === 'auth.refresh' && result === 'denied')).toHaveLength(
    generations,
  )
  report(`refresh: reuse of a token of each of ${generations} generations ended ${generations} sessions`)
})

test('a stolen token used together with its owner leaves one lineage, which ends at the next use of both', async () => {
  const stolen = await login()
  const [thief, owner] = await Promise.all([refresh(stolen.refresh_token), refresh(stolen.refresh_token)])
  expect(thief.tokens.refresh_token).toBe(owner.tokens.refresh_token)
  now += 11_000
  const ahead = await refresh(thief.tokens.refresh_token)
  expect(ahead.status).toBe(200)
  now += 11_000
  expect((await refresh(owner.tokens.refresh_token)).status).toBe(401)
  expect((await refresh(ahead.tokens.refresh_token)).status).toBe(401)
})

test('50 concurrent refreshes with an old and a current token end the session', async () => {
  const first = await login()
  const { tokens } = await refresh(first.refresh_token)
  now += 11_000
  const mixed = Array.from(
    { length: 50 },
    async (_, n) => await refresh(n % 2 === 0 ? first.refresh_token : tokens.refresh_token),
  )
  const answers = await Promise.all(mixed)
  for (const { status, tokens: renewed } of answers)
    if (status === 200) expect((await refresh(renewed.refresh_token)).status).toBe(401)
  expect(answers.filter((_, n) => n % 2 === 0).map(({ status }) => status)).toEqual(
    Array.from({ length: 25 }, () => 401),
  )
})

test('forged refresh tokens of a real session are refused, and do not end the session', async () => {
  const good = await login()
  const [locator = '', value = ''] = good.refresh_token.split('.')
  const forged = [
    `${locator}.${'A'.repeat(43)}`,
    `${locator}.${value.slice(0, -1)}`,
    `${locator}.${value}A`,
    `${locator}.`,
    locator,
    value,
    good.access_token.slice(0, 1000),
    good.refresh_token.toUpperCase(),
    ` ${good.refresh_token}`,
    `${good.refresh_token}\n`,
  ]
  for (const token of forged) expect((await refresh(token)).status, token).toBe(401)
  expect((await refresh(good.refresh_token)).status).toBe(200)
  report(`refresh: ${forged.length} forged tokens of a real session refused`)
})
