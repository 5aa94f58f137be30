// Reference of bench:ingest: DuckDB alone copies the bill to one Parquet file.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'

const [bill = ''] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'cloudoptima-bench-'))
const connection = await (
  await DuckDBInstance.create(':memory:', {
    memory_limit: '500MB',
    preserve_insertion_order: 'false',
    temp_directory: folder,
  })
).connect()
// DuckDB would infer numbers for ids of digits, and fail at the first id with other characters.
const ids = [
  'BillingAccountId',
  'SubAccountId',
  'SkuId',
  'SkuPriceId',
  'ResourceId',
  'ResourceName',
  'CommitmentDiscountId',
  'AvailabilityZone',
  'ChargeClass',
]
const types = ids.map((name) => `'${name}': 'VARCHAR'`).join(', ')
const began = performance.now()
await connection.run(
  `COPY (FROM read_csv('${bill}', types = {${types}})) TO '${join(folder, 'bill.parquet')}' (FORMAT parquet, COMPRESSION zstd)`,
)
const seconds = (performance.now() - began) / 1000
await rm(folder, { recursive: true })
process.stdout.write(`${JSON.stringify({ seconds, peakMb: process.resourceUsage().maxRSS / 1024 })}\n`)
