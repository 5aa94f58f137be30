import { routes } from '@cloudoptima/api'
import { Actor, Identity } from '@cloudoptima/core'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { type Route, takesKey } from '../../packages/api/src/route.ts'
import { fieldsOf } from '../../packages/api/src/wire.ts'
import { bearer, requestOf, report } from './request.ts'
import { canary, openTenants, questions, type Tenants, type Value } from './tenants.ts'

let tenants: Tenants

beforeAll(async () => {
  tenants = await openTenants()
})

/** A place in a request that can name an item. */
type Slot = { place: 'input'; name: string } | { place: 'header'; name: string } | { place: 'filter'; name: string }

function slotsOf(route: Route): Slot[] {
  const fields = [...fieldsOf(route.input).keys()]
    .filter((name) => name !== 'filters')
    .map((name): Slot => ({ place: 'input', name }))
  const filters = ['service', 'account', 'region', 'tag:Team', 'billing_account'].map((name): Slot => ({
    place: 'filter',
    name: `filter[${name}]`,
  }))
  return [
    ...fields,
    ...('filters' in route.input.shape ? filters : []),
    ...(route.ask ? [{ place: 'header', name: 'If-None-Match' } as const] : []),
    ...(takesKey(route) ? [{ place: 'header', name: 'Idempotency-Key' } as const] : []),
  ]
}

// Both answer after at least 300 ms; timing.test.ts covers them.
const slow = new Set(['auth.login', 'auth.forgot-password'])

/** Facts about another organization that the product reveals on purpose. */
const disclosed: Record<string, string> = {
  'auth.register email': 'an address has one account',
  'cloud-accounts.connect-aws role_arn': 'an account that another organization has connected is refused',
  'cloud-accounts.connect-azure subscription_id': 'an account that another organization has connected is refused',
  'cloud-accounts.connect-gcp project_id': 'an account that another organization has connected is refused',
  'openid.begin organization_id': 'the sign-in of an organization starts at a path with its id',
}

interface Answer {
  status: number
  text: string
  headers: string
}

async function ask(route: Route, slot: Slot | undefined, value: string): Promise<Answer> {
  const { world, attacker, externalId, restore } = tenants
  await restore()
  const { accessToken } = await Identity.Session.open(
    { ...attacker.ctx, actor: Actor.anonymous() },
    attacker.users.admin,
    'password',
  )
  const required = route.id === 'cloud-accounts.connect-aws' ? { external_id: externalId } : {}
  const input = { ...required, ...(slot && slot.place !== 'header' && { [slot.name]: value }) }
  const headers = {
    ...(route.permission !== 'public' && bearer(accessToken)),
    ...(slot?.place === 'header' && { [slot.name]: headerOf(value) }),
    'X-Test-Address': nextAddress(),
  }
  const { path, init } = requestOf(route, { input, headers })
  const response = await world.anonymous.request(path, init)
  const kept = [...response.headers].filter(([name]) => !/^(x-request-id|ratelimit-.*|etag)$/.test(name))
  return { status: response.status, text: await response.text(), headers: JSON.stringify(kept) }
}

let addresses = 0
const nextAddress = () => `198.51.${(addresses >> 8) & 255}.${addresses++ & 255}`
const headerOf = (value: string) => value.replaceAll(/[^\x21-\x7e]/g, '').slice(0, 255) || 'x'

/** The answer without the sent values, and without ids and tokens of this answer. */
function plain({ status, text, headers }: Answer, { foreign, unknown }: Value): string {
  const sent = [foreign, unknown].flatMap((value) => [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
  ])
  const without = sent.toSorted((a, b) => b.length - a.length).reduce((all, value) => all.replaceAll(value, '§'), text)
  const generated = [
    /\b[A-Z2-7]{32}\b/g,
    /\b[a-z]+_[0-9a-hjkmnp-tv-z]{26}\b/g,
    /\bco\w?_[\w-]+\.[\w-]{43}/g,
    /\be30\.[\w-]+\.[\w-]+/g,
    /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g,
  ]
  return JSON.stringify([status, generated.reduce((all, each) => all.replaceAll(each, '*'), without), headers])
}

test("a value of another organization gets the same answer as a value that doesn't exist", async () => {
  const { values, tags, victims } = tenants
  const tries = routes
    .filter(({ id }) => !slow.has(id))
    .flatMap((route) => slotsOf(route).map((slot) => ({ route, slot })))
  const before = await victims()
  const places = new Set<string>()
  let count = 0
  const isDisclosed = ({ id }: Route, { name }: Slot) => `${id} ${name}` in disclosed
  const attempt = async ({ route, slot }: (typeof tries)[number], value: Value): Promise<void> => {
    const foreign = await ask(route, slot, value.foreign)
    expect(await victims(), `${route.id} ${slot.name} ${value.foreign} changed something`).toBe(before)
    const unknown = await ask(route, slot, value.unknown)
    if (!isDisclosed(route, slot))
      expect(plain(foreign, value), `${route.id} ${slot.name} ${value.foreign}`).toBe(plain(unknown, value))
    expect(foreign.text + foreign.headers, `${route.id} ${slot.name}`).not.toContain(canary)
    places.add(`${route.id} ${slot.name}`)
    count++
  }
  // First each place with each kind of value, then random pairs.
  const kinds = [...new Map(values.map((value) => [value.foreign.replace(/[_-].*$/s, '').slice(0, 4), value])).values()]
  for (const one of tries)
    for (const value of one.slot.name === 'If-None-Match' ? tags.map(tagValue) : kinds.slice(0, 4))
      await attempt(one, value)
  // By index, so that fast-check reports a counterexample in one line.
  const random = fc.asyncProperty(fc.nat(tries.length - 1), fc.nat(values.length - 1), async (n, m) => {
    const [one, value] = [tries[n], values[m]]
    if (one && value) await attempt(one, value)
  })
  await fc.assert(random, { numRuns: 1500 })
  report(
    `tenants: ${count} tries, ${places.size} places in ${routes.length - slow.size} operations x ` +
      `${values.length} values of another organization: same answers as for unknown values, nothing disclosed or ` +
      'changed',
  )
})

const tagValue = (tag: string): Value => ({ foreign: tag, unknown: `"${tag.slice(1, -1).replaceAll(/\w/g, 'x')}"` })

test('no answer to one organization contains data of the other, on any page', async () => {
  const { values, victims } = tenants
  const before = await victims()
  let count = 0
  for (const route of routes.filter(({ id }) => !slow.has(id))) {
    const pages = 'page' in route.input.shape ? ['1', '2', '3', '1000000'] : ['']
    for (const page of pages) {
      const slot: Slot | undefined = page ? { place: 'input', name: 'page' } : undefined
      const { text, headers } = await ask(route, slot, page)
      expect(text + headers, route.id).not.toContain(canary)
      expect(
        values.filter(({ foreign }) => text.includes(foreign)),
        route.id,
      ).toEqual([])
      count++
    }
  }
  expect(await victims()).toBe(before)
  report(`tenants: ${count} answers to one organization, without data of the other`)
})

test('an ETag of one organization does not match for another', async () => {
  const { world, attacker, victim, tags } = tenants
  for (const [n, path] of questions.entries()) {
    const statusFor = async (token: string, tag: string) =>
      (await world.as(token).request(path, { headers: { 'If-None-Match': tag } })).status
    expect([
      await statusFor(victim.tokens.admin, tags[n] ?? ''),
      await statusFor(attacker.tokens.admin, tags[n] ?? ''),
    ]).toEqual([304, 200])
  }
})

test("control: the victim's own answers contain the canary", async () => {
  const { world, victim } = tenants
  const listed = await world.as(victim.tokens.admin).request('/v1/imports')
  const [delivery] = ((await listed.json()) as { imports: { id: string }[] }).imports
  const lists = [
    'me',
    'organization',
    'organization/sign-in',
    'organization/token-issuer',
    'audit',
    'users',
    'api-keys',
    'cloud-accounts',
    `imports/${delivery?.id}`,
  ]
  // A bill without restatements is not named, and neither is what a total is made of.
  const naming = questions.filter((path) => !/restatements|forecast/.test(path))
  for (const path of [...lists.map((list) => `/v1/${list}`), ...naming]) {
    const response = await world.as(victim.tokens.admin).request(path)
    expect(await response.text(), path).toContain(canary)
  }
})
