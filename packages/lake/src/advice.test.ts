import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { memoryRuntime } from '@cloudoptima/core/testing'
import { lines } from './formats/aws.fixture.ts'
import { csv } from './formats/testing.ts'
import { createLake } from './index.ts'
import { normalize } from './normalize.ts'

const folder = await mkdtemp(join(tmpdir(), 'cloudoptima-commitments-'))
const { blobs } = memoryRuntime()
const lake = createLake({ blobs, cacheDir: join(folder, 'cache') })
afterAll(async () => {
  await lake.close()
  await rm(folder, { recursive: true, force: true })
})

const scopeOf = async (bill: typeof lines) => await scopeOfFile(`cur-${bill.length}.csv`, csv(bill))

async function scopeOfFile(name: string, text: string) {
  const path = join(folder, name)
  await writeFile(path, text)
  const options = { workDir: join(folder, `work-${name}`), snapshotId: 'imp_test', memoryLimit: '500MB' }
  const { partitions } = await normalize([{ name, path }], options)
  const found = partitions.flatMap(({ files }) => files.costs)
  for (const key of found) await blobs.put('org', key.slice(1), await readFile(key))
  const costs = found.map((key) => key.slice(1))
  return {
    orgId: 'org',
    files: { costs, cost_rollup: [], resources: [], resource_changes: [], utilization: [] },
    excluded: [],
  }
}
const month = { start: '2024-09-01', end: '2024-09-30' }

test('fees of AWS tell what nobody used of a reservation and of a plan, and upfront fees add nothing', async () => {
  const rows = await lake.query('commitmentCosts', await scopeOf(lines), month)
  expect(
    rows.map(({ id, used, unused, purchased }) => [
      /:([a-z-]+)\//.exec(id)?.[1],
      ...[used, unused, purchased].map(Number),
    ]),
  ).toEqual([
    ['reserved-instances', 0.06, 0, 3.3],
    ['savingsplan', 0.14, 0, 0.36],
  ])
})

test('throughput that AWS bills by the GiB a second is listed in MiB, as volumes and prices have it', async () => {
  const [line = {}] = lines
  const volume = {
    ...line,
    line_item_resource_id: 'vol-1',
    line_item_usage_type: 'EUC1-EBS:VolumeP-Throughput.gp3',
    line_item_usage_amount: '0.244140625',
    line_item_unblended_cost: '11.9',
    pricing_unit: 'GiBps-mo',
  }
  const rows = await lake.query('resourceCharges', await scopeOf([volume]), { ...month, most: 9 })
  expect(rows.map(({ id, effective, quantity }) => [id, Number(effective), Number(quantity)])).toEqual([
    ['vol-1', 11.9, 250],
  ])
})

test('the export of Google Cloud tells what is committed and what is covered, by meter, in the month', async () => {
  const row = (description: string, given: { cost: number; units: number; credits?: object[]; day?: string }) => ({
    billing_account_id: '003576-4CB9A5-BC33DB',
    service: { id: '6F81-5844-456A', description: 'Compute Engine' },
    sku: { id: description.slice(-9), description },
    usage_start_time: `${given.day ?? '2024-09-12'} 22:00:00 UTC`,
    usage_end_time: `${given.day ?? '2024-09-12'} 23:00:00 UTC`,
    project: { id: 'mill', name: 'Mill' },
    location: { region: 'us-central1' },
    cost: given.cost,
    currency: 'USD',
    currency_conversion_rate: 1,
    usage: { amount: given.units * 3600, unit: 'seconds', amount_in_pricing_units: given.units, pricing_unit: 'hour' },
    credits: given.credits ?? [],
    invoice: { month: '202409' },
    cost_type: 'regular',
  })
  const credit = (amount: number) => ({ name: 'c', id: 'c', type: 'COMMITTED_USAGE_DISCOUNT', amount })
  const rows = [
    row('Commitment v1: N2 Cpu in Iowa for 1 Year', { cost: 0.16, units: 8 }),
    row('Commitment v1: N2 Cpu in Iowa for 1 Year', { cost: 0.16, units: 8 }),
    row('Commitment v1: N2 Cpu in Iowa for 1 Year', { cost: 9, units: 9, day: '2024-08-31' }),
    row('N2 Instance Core running in Iowa', { cost: 0.25, units: 8, credits: [credit(-0.25)] }),
    row('N2 Instance Core running in Iowa', { cost: 0.25, units: 8, credits: [credit(-0.125)] }),
    row('N2 Instance Core running in Iowa', { cost: 0.25, units: 8 }),
  ]
  const bill = rows.map((each) => JSON.stringify(each)).join('\n')
  const found = await lake.query('committedUse', await scopeOfFile('gcp.jsonl', bill), month)
  const common = {
    payer: '003576-4CB9A5-BC33DB',
    region: 'us-central1',
    unit: 'Hours',
    currency: 'USD',
    accounts: '["mill"]',
  }
  expect(found.map((each) => ({ ...each, cost: Number(each.cost), quantity: Number(each.quantity) }))).toEqual([
    { ...common, meter: 'Commitment v1: N2 Cpu in Iowa for 1 Year', fee: 1, cost: 0.32, quantity: 16 },
    { ...common, meter: 'N2 Instance Core running in Iowa', fee: 0, cost: 0.125, quantity: 12 },
  ])
})
