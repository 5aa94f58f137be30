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

async function scopeOf(bill: typeof lines) {
  const name = `bill-${bill.length}`
  const path = join(folder, `${name}.csv`)
  await writeFile(path, csv(bill))
  const options = { workDir: join(folder, name), snapshotId: 'imp_test', memoryLimit: '500MB' }
  const { partitions } = await normalize([{ name: 'cur.csv', path }], options)
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
