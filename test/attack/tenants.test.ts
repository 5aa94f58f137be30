import { routes } from '@cloudoptima/api'
import { Actor, Identity } from '@cloudoptima/core'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { type Route, takesKey } from '../../packages/api/src/route.ts'
import { fieldsOf } from '../../packages/api/src/wire.ts'
import { bearer, requestOf, tell } from './request.ts'
import { canary, openTenants, questions, type Tenants, type Value } from './tenants.ts'

let tenants: Tenants

beforeAll(async () => {
  tenants = await openTenants()
})

/** Where a request can name something. */
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

// They answer no sooner than after 300 ms: the suite of timing asks them.
const slow = new Set(['auth.login', 'auth.forgot-password'])

/** What is told on purpose, as design/api.md says, of what somebody else has; nothing but that. */
const told: Record<string, string> = {
  'auth.register email': 'an address has one account',
  'cloud-accounts.connect-aws role_arn': 'an account that another organization has connected is refused',
  'cloud-accounts.connect-azure subscription_id': 'an account that another organization has connected is refused',
  'cloud-accounts.connect-gcp project_id': 'an account that another organization has connected is refused',
  'openid.begin organization_id': 'members of an organization begin to sign in at its address',
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
  const good = route.id === 'cloud-accounts.connect-aws' ? { external_id: externalId } : {}
  const input = { ...good, ...(slot && slot.place !== 'header' && { [slot.name]: value }) }
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

/** The answer without what the asker sent, and without ids and tokens that were made for it. */
function plain({ status, text, headers }: Answer, { foreign, unknown }: Value): string {
  const sent = [foreign, unknown].flatMap((value) => [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
  ])
  const without = sent.toSorted((a, b) => b.length - a.length).reduce((all, value) => all.replaceAll(value, '§'), text)
  const made = [
    /\b[A-Z2-7]{32}\b/g,
    /\b[a-z]+_[0-9a-hjkmnp-tv-z]{26}\b/g,
    /\bco\w?_[\w-]+\.[\w-]{43}/g,
    /\be30\.[\w-]+\.[\w-]+/g,
    /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g,
  ]
  return JSON.stringify([status, made.reduce((all, each) => all.replaceAll(each, '*'), without), headers])
}

test('whatever of another organization is named, the answer is the one to what nobody has', async () => {
  const { values, tags, victims } = tenants
  const tries = routes
    .filter(({ id }) => !slow.has(id))
    .flatMap((route) => slotsOf(route).map((slot) => ({ route, slot })))
  const before = await victims()
  const seen = new Set<string>()
  let count = 0
  const isTold = ({ id }: Route, { name }: Slot) => `${id} ${name}` in told
  const attempt = async ({ route, slot }: (typeof tries)[number], value: Value): Promise<void> => {
    const foreign = await ask(route, slot, value.foreign)
    expect(await victims(), `${route.id} ${slot.name} ${value.foreign} changed something`).toBe(before)
    const unknown = await ask(route, slot, value.unknown)
    if (!isTold(route, slot))
      expect(plain(foreign, value), `${route.id} ${slot.name} ${value.foreign}`).toBe(plain(unknown, value))
    expect(foreign.text + foreign.headers, `${route.id} ${slot.name}`).not.toContain(canary)
    seen.add(`${route.id} ${slot.name}`)
    count++
  }
  // Each place once with each kind of text, then at random.
  const kinds = [...new Map(values.map((value) => [value.foreign.replace(/[_-].*$/s, '').slice(0, 4), value])).values()]
  for (const one of tries)
    for (const value of one.slot.name === 'If-None-Match' ? tags.map(tagValue) : kinds.slice(0, 4))
      await attempt(one, value)
  // By number, so that what fails is told in a line.
  const random = fc.asyncProperty(fc.nat(tries.length - 1), fc.nat(values.length - 1), async (n, m) => {
    const [one, value] = [tries[n], values[m]]
    if (one && value) await attempt(one, value)
  })
  await fc.assert(random, { numRuns: 1500 })
  tell(
    `tenants: ${count} tries, ${seen.size} places in ${routes.length - slow.size} operations x ${values.length} texts of another organization: answered as to unknown ones, 0 foreign bytes, nothing changed`,
  )
})

const tagValue = (tag: string): Value => ({ foreign: tag, unknown: `"${tag.slice(1, -1).replaceAll(/\w/g, 'x')}"` })

test('no answer to a member of one organization holds a byte of the other, on whichever page', async () => {
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
  tell(`tenants: ${count} answers to one organization, 0 bytes of the other`)
})

test('a question of one organization is not known by the tag of the other', async () => {
  const { world, attacker, victim, tags } = tenants
  for (const [n, path] of questions.entries()) {
    const asked = async (token: string, tag: string) =>
      (await world.as(token).request(path, { headers: { 'If-None-Match': tag } })).status
    expect([
      await asked(victim.tokens.admin, tags[n] ?? ''),
      await asked(attacker.tokens.admin, tags[n] ?? ''),
    ]).toEqual([304, 200])
  }
})

test('the victim would be seen: its own answers are full of what is looked for', async () => {
  const { world, victim } = tenants
  const lists = [
    'me',
    'organization',
    'organization/sign-in',
    'organization/token-issuer',
    'audit',
    'users',
    'api-keys',
    'cloud-accounts',
    'imports',
  ]
  for (const path of [...lists.map((list) => `/v1/${list}`), ...questions]) {
    const response = await world.as(victim.tokens.admin).request(path)
    expect(await response.text(), path).toContain(canary)
  }
})
