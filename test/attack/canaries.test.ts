import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { routes } from '@cloudoptima/api'
import { nounsOf, noOrganization } from '@cloudoptima/core'
import { type Product, startProduct } from '@cloudoptima/local'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runScenario, type Scenario } from './scenario.ts'
import { report } from './request.ts'
import { type Canary, canaryOf, filesIn, foundIn, startEcho } from './secrets.ts'

let dataDir: string
let product: Product
let echo: Awaited<ReturnType<typeof startEcho>>
let scenario: Scenario
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
  scenario = await runScenario(product, url)
})
afterAll(async () => {
  delete process.env['CLOUD_ENDPOINTS']
  echo.close()
  await rm(dataDir, { recursive: true, force: true })
})

/** The machine's own secrets, in its folder of keys. */
async function machineSecrets(): Promise<Canary[]> {
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

/** The places where a secret may appear; all others are failures. */
const allowed: { answers: Record<string, RegExp>; mails: RegExp; files: [RegExp, RegExp][] } = {
  answers: {
    // A sign-in returns tokens, and the same tokens to a repetition with the same Idempotency-Key.
    'auth.register': /^(access|refresh) token/,
    'auth.login': /^(access|refresh) token/,
    'auth.refresh': /^(access|refresh) token/,
    'invitations.accept': /^(access|refresh) token/,
    // The answer shows the key, also to a repetition with the same Idempotency-Key.
    'api-keys.create': /^API key/,
    'totp.begin': /^TOTP secret/,
    'totp.confirm': /^recovery code/,
  },
  // A mail contains its own token only.
  mails: /^mailed token/,
  files: [
    [/^keys\//, /^(signing key|data key|the machine's password)/],
    // One machine keeps sent mails in its own table, for the command `mails`.
    [/^dynamodb\//, /^mailed token/],
  ],
}

/** The canaries in a text that this place does not allow. */
function unexpected(haystack: string, canaries: readonly Canary[], allowedNames?: RegExp): string[] {
  return foundIn(haystack, canaries).filter((name) => !allowedNames?.test(name))
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

test('the scenario calls every operation, and all but six of its operations succeed', () => {
  const called = new Set(scenario.answers.map(({ id }) => id))
  expect(routes.map(({ id }) => id).filter((id) => !called.has(id))).toEqual([])
  const succeeded = new Set(scenario.answers.filter(({ status }) => status < 400).map(({ id }) => id))
  // The fake clouds and the fake provider refuse all, nothing was collected, unusual or tagged, and the import has no
  // upload.
  expect(routes.map(({ id }) => id).filter((id) => !succeeded.has(id) && !scenario.withExample.includes(id))).toEqual([
    'openid.finish',
    'cloud-accounts.allow-actions',
    'anomalies.get',
    'resources.bulk-tag-get',
    'resources.get',
    'recommendations.get',
    'recommendations.preview',
    'executions.get',
    'policies.executions',
    'policies.get',
    'imports.start',
  ])
})

test('secrets appear in the allowed answers, mails and files only, and in no table, object, log or event', async () => {
  const canaries = [...scenario.canaries, ...(await machineSecrets())]
  const items = await rows()
  for (const [noun, text] of items)
    expect(unexpected(text, canaries, noun === 'mails' ? allowed.mails : undefined), `${noun} ${text}`).toEqual([])
  for (const { id, status, text } of scenario.answers)
    expect(
      unexpected(text, canaries, status < 400 ? allowed.answers[id] : undefined),
      `${id} ${status} ${text}`,
    ).toEqual([])
  for (const event of published) expect(unexpected(event, canaries), event).toEqual([])
  const mails = await product.services.mails.list()
  for (const { text, subject } of mails)
    expect(unexpected(subject + text, canaries, allowed.mails), subject).toEqual([])
  await product.close()
  const files = await filesIn(dataDir)
  for (const [path, content] of files) {
    const allowedNames = allowed.files.find(([place]) => place.test(path))?.[1]
    expect(unexpected(content, canaries, allowedNames), path).toEqual([])
  }
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0)
  // Control: the search finds texts that are not secret.
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
  report(
    `canaries: ${canaries.length} secrets in ${items.length} items, ${scenario.answers.length} answers, ` +
      `${published.length} events, ${mails.length} mails, ${files.size} files of ${Math.round(bytes / 1024)} KiB: ` +
      'none outside its allowed places',
  )
})
