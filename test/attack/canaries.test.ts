import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { routes } from '@cloudoptima/api'
import { nounsOf, noOrganization } from '@cloudoptima/core'
import { type Product, startProduct } from '@cloudoptima/local'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { livedIn, type Life } from './life.ts'
import { tell } from './request.ts'
import { type Canary, canaryOf, filesIn, foundIn, startEcho } from './secrets.ts'

let dataDir: string
let product: Product
let echo: Awaited<ReturnType<typeof startEcho>>
let life: Life
const published: string[] = []

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'cloudoptima-canaries-'))
  echo = await startEcho()
  const { url } = echo
  process.env['CLOUD_ENDPOINTS'] = JSON.stringify({
    aws: url,
    azure: { authority: url, resourceManager: url },
    gcp: { token: `${url}/token`, api: url },
  })
  product = await startProduct({ dataDir, port: 0 })
  const { bus } = product.services.runtime
  const { publish } = bus
  bus.publish = async (event) => {
    published.push(JSON.stringify(event))
    await publish(event)
  }
  life = await livedIn(product, url)
}, 120_000)
afterAll(async () => {
  delete process.env['CLOUD_ENDPOINTS']
  echo.close()
  await rm(dataDir, { recursive: true, force: true })
})

/** Secrets of the machine itself, which lie in its folder of keys, for its owner alone. */
async function ownSecrets(): Promise<Canary[]> {
  const keys = JSON.parse(await readFile(join(dataDir, 'keys', 'signing.json'), 'utf8')) as {
    keys: { privateJwk: { d: string } }[]
  }
  const read = async (name: string) => (await readFile(join(dataDir, 'keys', name), 'utf8')).trim()
  return [
    ...keys.keys.map(({ privateJwk }, n) => canaryOf(`signing key ${n}`, privateJwk.d)),
    canaryOf('data key', await read('data.key')),
    canaryOf("the machine's password", await read('password.txt')),
  ]
}

/** Where a secret may stand, and why; nowhere else. */
const allowed: { answers: Record<string, RegExp>; mails: RegExp; files: [RegExp, RegExp][] } = {
  answers: {
    // Whoever signs in is told their tokens; with the same key again, the same.
    'auth.register': /^(access|refresh) token/,
    'auth.login': /^(access|refresh) token/,
    'auth.refresh': /^(access|refresh) token/,
    'invitations.accept': /^(access|refresh) token/,
    // The key is told once, and again to who repeats the request with its Idempotency-Key.
    'api-keys.create': /^API key/,
    'totp.begin': /^TOTP secret/,
    'totp.confirm': /^recovery code/,
  },
  // A mail carries the token that it asks to use, and nothing else.
  mails: /^mailed token/,
  files: [
    [/^keys\//, /^(signing key|data key|the machine's password)/],
    // One machine keeps its mails in its own table, for who reads it there.
    [/^dynamodb\//, /^mailed token/],
  ],
}

/** Finds that no place allows. */
function unexpected(haystack: string, canaries: readonly Canary[], may?: RegExp): string[] {
  return foundIn(haystack, canaries).filter((name) => !may?.test(name))
}

async function rows(): Promise<[string, string][]> {
  const { tables } = product.services.runtime
  const registered = (await tables.organizationIndex.all(noOrganization)).map(({ id }) => id)
  const owners = ['default', 'sample', 'machine', noOrganization, ...registered]
  const all = owners.flatMap((owner) =>
    nounsOf(tables).map(async (noun) =>
      (await tables[noun].all(owner)).map((row): [string, string] => [noun, JSON.stringify(row)]),
    ),
  )
  return (await Promise.all(all)).flat()
}

test('every operation was asked', () => {
  const asked = new Set(life.answers.map(({ id }) => id))
  expect(routes.map(({ id }) => id).filter((id) => !asked.has(id))).toEqual([])
  const good = new Set(life.answers.filter(({ status }) => status < 400).map(({ id }) => id))
  // Nobody vouches for anybody here, and nothing was uploaded.
  expect(routes.map(({ id }) => id).filter((id) => !good.has(id) && !life.untold.includes(id))).toEqual([
    'openid.finish',
    'imports.start',
  ])
})

test('no secret stands in a table, an object, a log, an event, an audit entry, a mail, a file or an answer but where it must', async () => {
  const canaries = [...life.canaries, ...(await ownSecrets())]
  const items = await rows()
  for (const [noun, text] of items)
    expect(unexpected(text, canaries, noun === 'mails' ? allowed.mails : undefined), `${noun} ${text}`).toEqual([])
  for (const { id, status, text } of life.answers)
    expect(
      unexpected(text, canaries, status < 400 ? allowed.answers[id] : undefined),
      `${id} ${status} ${text}`,
    ).toEqual([])
  for (const event of published) expect(unexpected(event, canaries), event).toEqual([])
  const mails = await product.services.outbox.list()
  for (const { text, subject } of mails)
    expect(unexpected(subject + text, canaries, allowed.mails), subject).toEqual([])
  await product.close()
  const files = await filesIn(dataDir)
  for (const [path, content] of files) {
    const may = allowed.files.find(([place]) => place.test(path))?.[1]
    expect(unexpected(content, canaries, may), path).toEqual([])
  }
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0)
  // What is looked for would be found: what is no secret is.
  for (const [place, word] of [
    [/^dynamodb\//, 'canary company'],
    [/^log\//, '/v1/auth/login'],
    [/^s3\//, 'AWSTemplateFormatVersion'],
  ] as const)
    expect(
      [...files].some(([path, content]) => place.test(path) && content.includes(word)),
      `${place.source} ${word}`,
    ).toBe(true)
  expect([items.length, published.length, mails.length].every((count) => count > 5)).toBe(true)
  tell(
    `canaries: ${canaries.length} secrets in ${items.length} items, ${life.answers.length} answers, ${published.length} events, ${mails.length} mails, ${files.size} files of ${Math.round(bytes / 1024)} KiB: 0 finds but where each must stand`,
  )
})
