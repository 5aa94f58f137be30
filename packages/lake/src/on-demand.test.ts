import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryRuntime } from '@cloudoptima/core/testing'
import { createLake } from './index.ts'
import { normalize } from './normalize.ts'
import { columns, csv, type Row } from './testing.ts'

let folder: string
let lake: ReturnType<typeof createLake>
const { blobs } = memoryRuntime()
const none = { cost_rollup: [], resources: [], resource_changes: [], utilization: [] }
let costs: string[] = []

const more = ['ChargeDescription', 'RegionId', 'SkuId', 'CommitmentDiscountId', 'PricingCategory'] as const
type Charge = Partial<Row & Record<(typeof more)[number], string>>

/** An hour's charge at half of the list price. */
const used = (hour: number, SkuId: string, cost: string, change: Charge = {}): Charge => ({
  ChargePeriodStart: `2024-09-01T0${hour}:00:00Z`,
  ChargePeriodEnd: `2024-09-01T0${hour + 1}:00:00Z`,
  BilledCost: cost,
  EffectiveCost: cost,
  ContractedCost: cost,
  ListCost: String(Number(cost) * 2),
  SubAccountId: '111122223333',
  ServiceName: 'AWS Fargate',
  RegionId: 'eu-west-1',
  SkuId,
  ChargeDescription: 'Usage',
  ...change,
})
const bill: Charge[] = [
  used(0, 'EU-Fargate-GB-Hours', '1.5'),
  used(1, 'EU-Fargate-GB-Hours', '0.5', { ListCost: '' }),
  used(0, 'EU-Lambda-GB-Second', '0.25', { ServiceName: 'AWS Lambda' }),
  used(1, 'EU-Fargate-GB-Hours', '7', { CommitmentDiscountId: 'sp-1', PricingCategory: 'Committed' }),
  used(1, 'EU-Lambda-Provisioned-Concurrency', '3', { ServiceName: 'AWS Lambda' }),
  used(1, 'EU-Request', '4', { ServiceName: 'AWS Lambda' }),
]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-on-demand-'))
  lake = createLake({ blobs, cacheDir: join(folder, 'cache') })
  const path = join(folder, 'bill.csv')
  await writeFile(path, csv(bill, [...columns, ...more]))
  const options = { workDir: join(folder, 'work'), snapshotId: 'imp_test', memoryLimit: '500MB' }
  const { partitions } = await normalize([{ name: 'bill.csv', path }], options)
  const found = partitions.flatMap(({ files }) => files.costs)
  for (const key of found) await blobs.put('org', key.slice(1), await readFile(key))
  costs = found.map((key) => key.slice(1))
})
afterAll(async () => {
  await lake.close()
  await rm(folder, { recursive: true, force: true })
})

test('Fargate and Lambda are listed by the hour at their own and at list prices, without what a plan covers', async () => {
  const scope = { orgId: 'org', files: { costs, ...none }, excluded: [] }
  const rows = await lake.query('onDemandUsage', scope, { start: '2024-09-01', end: '2024-09-01', most: 10 })
  const numbersOf = (texts: string) => (JSON.parse(texts) as string[]).map(Number)
  expect(rows.map((row) => [row.meter, Number(row.listed), Number(row.contracted), numbersOf(row.costs)])).toEqual([
    // An hour without a list price counts as contracted.
    ['EU-Fargate-GB-Hours', 3.5, 2, [1.5, 0.5]],
    ['EU-Lambda-GB-Second', 0.5, 0.25, [0.25]],
  ])
  expect(rows.map(({ seconds }) => seconds)).toEqual([3600, 3600])
})
