// Judges all resources of an organization in one process, as the function does. The first argument is a folder of
// `inventory`.
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { Partition, Rules, type Snapshot } from '@cloudoptima/core'
import { memoryRuntime, testContext } from '@cloudoptima/core/testing'
import { createLake } from '@cloudoptima/lake'
import { advise } from '../../packages/core/src/recommendations/advise.ts'
import { accounts, now } from './inventory.ts'

const [folder = ''] = process.argv.slice(2)
const runtime = memoryRuntime((blobs) => {
  const stream = async (_: string, key: string) => createReadStream(join(folder, key))
  return createLake({ blobs: { ...blobs, stream }, cacheDir: join(folder, 'cache') })
})
const ctx = testContext(runtime, { now: () => new Date(now) })
const { tables, orgId } = ctx
const known = { snapshotId: 'x', raw: 'x', version: 1, lakeVersion: 1, at: now, digest: 'd', siblings: 1, rows: 1 }
const days = Array.from({ length: 14 }, (_, n) => new Date(Date.parse(now) - n * 86_400_000).toISOString().slice(0, 10))

async function point(
  partition: string,
  table: 'partitions' | 'inventoryPartitions' | 'utilizationPartitions',
  facts: object,
) {
  const row = { ...known, id: partition, partition, ...facts } as unknown as Snapshot.Info
  await tables[table].put(orgId, row)
}

const empty = { cost_rollup: [] }
const place = { cloud: 'aws', region: 'eu-central-1' } as const
const listed = {
  ...place,
  part: 'compute',
  sku: 'm5.large',
  variant: 'Linux/UNIX',
  currency: 'USD',
  asOf: '2026-11-01',
} as const
await Rules.PriceList.keep(ctx, place, '2026-11-01', [
  { ...listed, price: '0.1' },
  { ...listed, sku: 'm5.xlarge', price: '0.2' },
  { ...listed, price: '0.06', term: { years: 1, payment: 'no_upfront' } },
])
for (let n = 0; n < accounts; n++) {
  const owner = { provider: 'aws', accountId: String(n).padStart(12, '0'), takenAt: now }
  const file = (part: string) => [`${part}/${n}.parquet`]
  const inventory = Partition.keyOfKind('inventory', owner.provider, owner.accountId)
  await point(inventory, 'inventoryPartitions', {
    ...owner,
    kind: 'inventory',
    files: { ...empty, resources: file('resources'), resource_changes: file('resource_changes') },
  })
  // All days of an account lie in one file.
  const used = Partition.keyOfKind('utilization', owner.provider, owner.accountId, days[0] ?? '')
  await point(used, 'utilizationPartitions', {
    ...owner,
    kind: 'utilization',
    day: days[0],
    files: { utilization: file('utilization') },
  })
  const bill = { provider: 'AWS', billingAccountId: String(n), period: '2026-11' }
  await point(Partition.key(bill), 'partitions', {
    ...bill,
    kind: 'bill',
    days: { first: '2026-08-31', last: '2026-11-28' },
    totals: [{ currency: 'USD', billed: '1', effective: '1', list: null, contracted: null }],
    control: [],
    formats: [],
    files: { ...empty, costs: file('costs') },
  })
}
for (const id of ['head', 'inventory', 'utilization'] as const)
  await tables.heads.put(orgId, { id, version: 1, at: now, moves: [], excluded: [] })

const began = performance.now()
const { resources, leftOut } = await advise(ctx)
const seconds = (performance.now() - began) / 1000
const rows = await tables.recommendations.all(orgId)
process.stdout.write(
  `${JSON.stringify({ seconds, peakMb: process.resourceUsage().maxRSS / 1024, resources, leftOut, kept: rows.length })}\n`,
)
process.exit(0)
