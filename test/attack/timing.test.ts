import { createApp } from '@cloudoptima/api'
import { Identity } from '@cloudoptima/core'
import { KeySet } from '@cloudoptima/runtime'
import { memoryRuntime, testContext } from '@cloudoptima/core/testing'
import { beforeAll, expect, test } from 'vitest'
import { passwords } from '../../packages/runtime/src/tokens/passwords.ts'
import { createTokens } from '../../packages/runtime/src/tokens/tokens.ts'
import { report } from './request.ts'

const rounds = 10
// Medians of equal work differ by a few milliseconds; argon2 takes ten times as long.
const boundMs = 60

let app: ReturnType<typeof createApp>
let address = 0

beforeAll(async () => {
  const keySet = KeySet.fresh(new Date())
  const tokens = createTokens({
    issuer: 'urn:cloudoptima:attacked',
    audience: 'cloudoptima-api',
    readKeys: () => Promise.resolve(keySet),
  })
  const runtime = Object.assign(memoryRuntime(), { passwords })
  Object.assign(runtime.tokens, tokens)
  const ctx = testContext(runtime, { now: () => new Date() })
  // Each request has its own address, so that no address is locked out.
  app = createApp({
    runtime,
    log: ctx.log,
    address: () => `192.0.${address >> 8}.${address++ & 255}`,
    publicUrl: 'https://api.example.com',
  })
  const passwordHash = await passwords.hash('correct horse battery staple')
  await Identity.foundOrganization(ctx, { name: 'x', email: 'ada@example.com', passwordHash })
  const locked = Identity.User.created(ctx, {
    id: 'usr_locked',
    email: 'locked@example.com',
    role: 'viewer',
    isActive: false,
  })
  await Identity.addUser(ctx, locked, passwordHash)
  const elsewhere = Identity.User.created(ctx, { id: 'usr_elsewhere', email: 'elsewhere@example.com', role: 'viewer' })
  await Identity.addUser(ctx, elsewhere, undefined)
})

async function timed(path: string, body: object): Promise<{ ms: number; answer: string }> {
  const began = performance.now()
  const response = await app.request(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  const { requestId: _, ...content } = (await response.json()) as Record<string, unknown>
  const ms = performance.now() - began
  const headers = [...response.headers].filter(([name]) => !/^(x-request-id|ratelimit-)/.test(name))
  return { ms, answer: JSON.stringify([response.status, content, headers]) }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Sends one request of each kind in parallel, so that other load affects all kinds equally. */
async function compared(
  path: string,
  bodies: Record<string, object>,
): Promise<{ answers: number; differenceMs: number }> {
  const names = Object.keys(bodies)
  const times = new Map<string, number[]>(names.map((name) => [name, []]))
  const answers = new Set<string>()
  for (let round = 0; round < rounds; round++) {
    for (const [name, { ms, answer }] of await Promise.all(
      names.map(async (name) => [name, await timed(path, bodies[name] ?? {})] as const),
    )) {
      times.get(name)?.push(ms)
      answers.add(answer)
    }
  }
  const medians = new Map([...times].map(([name, values]) => [name, Math.round(median(values))]))
  report(
    `timing: ${path}, ${rounds} of each: ${[...medians].map(([name, ms]) => `${name} ${ms} ms`).join(', ')}; ` +
      `${answers.size} answer`,
  )
  return { answers: answers.size, differenceMs: Math.max(...medians.values()) - Math.min(...medians.values()) }
}

test('a failed sign-in does not reveal by its answer or its time whether the account exists', async () => {
  const compare = await compared('/v1/auth/login', {
    'known, wrong password': { email: 'ada@example.com', password: 'wrong horse' },
    unknown: { email: 'nobody@example.com', password: 'wrong horse' },
    'locked out, right password': { email: 'locked@example.com', password: 'correct horse battery staple' },
    'without a password': { email: 'elsewhere@example.com', password: 'wrong horse' },
  })
  expect(compare.answers).toBe(1)
  expect(compare.differenceMs).toBeLessThan(boundMs)
})

test('a password reset does not reveal by its answer or its time whether the account exists', async () => {
  const compare = await compared('/v1/auth/password/forgot', {
    known: { email: 'ada@example.com' },
    unknown: { email: 'nobody@example.com' },
    'locked out': { email: 'locked@example.com' },
  })
  expect(compare.answers).toBe(1)
  expect(compare.differenceMs).toBeLessThan(boundMs)
})

test('a known and an unknown e-mail address are locked in the same way', async () => {
  const sevenFailures = async (email: string): Promise<string[]> => {
    const answers: string[] = []
    const before = address
    for (let n = 0; n < 7; n++) {
      address = before
      answers.push(
        (await timed('/v1/auth/login', { email, password: 'wrong horse' })).answer.replaceAll(
          /\d+ s\b|"retry-after","\d+"/g,
          '',
        ),
      )
    }
    return answers
  }
  const [known, unknown] = [await sevenFailures('ada@example.com'), await sevenFailures('nobody@example.com')]
  expect(known).toEqual(unknown)
  expect(known.at(-1)).toContain('429')
  report(`timing: ${known.length} failures in a row of a known and an unknown address have equal answers`)
})
