import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Clouds, type Import, Money } from '@cloudoptima/core'
import { generateSample } from '@cloudoptima/sample'
import { overviewText } from '../packages/local/src/cli/overview.ts'
import { type ApiClient, signedIn } from './api.ts'
import { openWorld, type World } from './world.ts'

/** Clouds that take every credential. */
const access = { verify: async () => ({ ok: true, problems: [], missing: [] }) }
const setup = {
  templates: async () => ({ read: '{}', act: '{}' }),
  principal: async () => undefined,
  quickCreateUrl: async () => '',
}
const clouds: Clouds = { aws: { ...access, ...setup }, azure: access, gcp: access }

let dir: string
let world: World
let app: ApiClient
let files: string[]
/** Before anything is purged. */
let early: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cloudoptima-purge-'))
  const sample = await generateSample({ dir: join(dir, 'bills'), today: '2026-10-20', months: 2, rows: 6000 })
  files = sample.files.map(({ path }) => path)
  world = await openWorld({ wrap: (runtime) => ({ ...runtime, clouds }) })
  app = await signedIn(world.ctx)
  expect((await world.bring(files)).status).toBe('committed')
  early = new Date().toISOString()
}, 120_000)
afterAll(async () => {
  await world.end()
  await rm(dir, { recursive: true, force: true })
})

async function json<Body>(path: string, init?: RequestInit): Promise<Body> {
  const response = await app.request(`/v1/${path}`, init)
  const text = await response.text()
  expect([response.status, text]).toEqual([expect.toBeOneOf([200, 201]), text])
  return JSON.parse(text) as Body
}

interface Overview {
  total_cost_exact: string
  breakdown: { dimension: string; cost_exact: string }[]
  meta: { missing: { kind: string; account_id?: string }[] }
}

interface Reconciliation {
  reconciled: boolean
  lines: {
    provider: string
    difference_exact: string
    our_rows: number
    bill_rows: number
    withheld: { account_id: string; rows: number }[]
  }[]
}

const overview = async (cloud: string, more = '') =>
  await json<Overview>(
    `costs/overview?start_date=2026-09-01&end_date=2026-10-31&cloud_provider=${cloud}&group_by=account&granularity=monthly&metric=billed&currency=${cloud === 'azure' ? 'EUR' : 'USD'}${more}`,
  )
const reconciliation = async () => await json<Reconciliation>('costs/reconciliation?period=2026-09')
const post = (body: object): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
})

async function connect(cloud: 'azure' | 'gcp', accountId: string): Promise<string> {
  const id = 'a0000000-0000-4000-8000-000000000001'
  const key = {
    type: 'service_account',
    client_email: 'reader@example.iam.gserviceaccount.com',
    private_key: '-----BEGIN PRIVATE KEY-----',
  }
  const body =
    cloud === 'azure'
      ? { subscription_id: accountId, tenant_id: id, client_id: id, client_secret: 'secret' }
      : { project_id: accountId, service_account_json: Buffer.from(JSON.stringify(key)).toString('base64') }
  return (await json<{ id: string }>(`cloud-accounts/${cloud}`, post(body))).id
}

async function disconnect(id: string): Promise<Import.Info['status'][]> {
  const { imports } = await json<{ imports: string[] }>(`cloud-accounts/${id}?costs=purge`, { method: 'DELETE' })
  for (const each of imports) await world.services.settled(each)
  return (await Promise.all(imports.map(async (each) => await json<Import.Info>(`imports/${each}`)))).map(
    ({ status }) => status,
  )
}

describe.each(['azure', 'gcp'] as const)(
  'the costs of an account of %s, which stand on the bill of another',
  (cloud) => {
    test('go when they are purged, all bills still come to what was invoiced, and they come back when the account does', async () => {
      const before = await overview(cloud)
      // The account with the name that most others could be mistaken for: the longest.
      const [account] = before.breakdown
        .filter(({ cost_exact }) => cost_exact !== '0')
        .toSorted((a, b) => b.dimension.length - a.dimension.length)
      const { dimension = '', cost_exact = '0' } = account ?? {}
      expect(cost_exact).not.toBe('0')
      const accountId = dimension.split('/').at(-1) ?? ''
      expect(await disconnect(await connect(cloud, accountId))).toEqual(['committed'])

      const after = await overview(cloud)
      expect(after.total_cost_exact).toBe(
        Money.plain(Money.parse(before.total_cost_exact).minus(Money.parse(cost_exact))),
      )
      expect(after.breakdown).toEqual(
        before.breakdown.filter((line) => line.dimension !== dimension).map(() => expect.any(Object)),
      )
      expect(JSON.stringify(after.breakdown)).not.toContain(accountId)
      expect(after.meta.missing).toContainEqual(expect.objectContaining({ kind: 'account', account_id: accountId }))
      const table = await overviewText(world.ctx, {
        granularity: 'monthly',
        groupBy: 'account',
        metric: 'billed',
        filters: [],
        limit: 50,
      })
      expect(table.split('\n').filter((line) => line.includes(accountId))).toEqual([
        expect.stringContaining('Without what was purged'),
      ])
      const { reconciled, lines } = await reconciliation()
      expect([
        reconciled,
        lines.filter(({ withheld }) => withheld.some(({ account_id }) => account_id === accountId)).length,
      ]).toEqual([true, 1])
      for (const { our_rows, bill_rows, withheld } of lines)
        expect(withheld.reduce((sum, { rows }) => sum + rows, our_rows)).toBe(bill_rows)
      // Nor is it in what was known before.
      const then = await overview(cloud, `&as_of=${early}`)
      expect(JSON.stringify(then.breakdown)).not.toContain(accountId)
      expect(then.meta.missing).toContainEqual(expect.objectContaining({ kind: 'version' }))

      expect((await world.bring(files)).status).toBe('unchanged')
      await connect(cloud, accountId)
      const { imports } = await json<{ imports: Import.Info[] }>('imports')
      const returning = imports.find(({ status }) => status === 'running' || status === 'uploading')
      await world.services.settled(returning?.id ?? '')
      expect((await overview(cloud)).total_cost_exact).toBe(before.total_cost_exact)
      expect((await reconciliation()).lines.flatMap(({ withheld }) => withheld)).toEqual([])
    })
  },
)
