// Imports one bill into a new lake, and asks the overview by service of the month: the first time, and for other spans.
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Import } from '@cloudoptima/core'
import { startProduct, tokenOf } from '@cloudoptima/local'

const [bill = ''] = process.argv.slice(2)
const dataDir = await mkdtemp(join(tmpdir(), 'cloudoptima-bench-'))
const product = await startProduct({ dataDir, port: 0 })
const { ctx, services, api = '' } = product
const began = performance.now()
const { id } = await Import.create(ctx, { files: [{ name: basename(bill), bytes: (await stat(bill)).size }] })
await Import.storeFile(ctx, id, 0, bill)
await Import.start(ctx, id)
await services.whenEnded('bills', id)
const seconds = (performance.now() - began) / 1000
const { status, reason } = await Import.get(ctx, id)
if (status !== 'committed') throw new Error(`The import ended with status ${status}: ${reason ?? ''}`)

const headers = { authorization: `Bearer ${await tokenOf(services.runtime, 'admin@local.example')}` }

/** Milliseconds of an overview up to this day of the month. */
async function ask(day: number): Promise<number> {
  const span = `start_date=2026-10-01&end_date=2026-10-${day}`
  const start = performance.now()
  const response = await fetch(`${api}/costs/overview?${span}&granularity=daily&group_by=service`, { headers })
  const body = await response.text()
  if (response.status !== 200) throw new Error(`${response.status} ${body}`)
  return performance.now() - start
}

const firstMs = await ask(31)
const others: number[] = []
for (let day = 10; day < 31; day++) others.push(await ask(day))
await product.close()
await rm(dataDir, { recursive: true })
process.stdout.write(`${JSON.stringify({ seconds, firstMs, overviewMs: Math.min(...others) })}\n`)
