// Imports one bill into a new lake, from upload to commit.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Import, Snapshot } from '@cloudoptima/core'
import { startProduct } from '@cloudoptima/local'

const [bill = ''] = process.argv.slice(2)
const dataDir = await mkdtemp(join(tmpdir(), 'cloudoptima-bench-'))
const product = await startProduct({ dataDir })
const { ctx, services } = product
const began = performance.now()
const { id } = await Import.create(ctx, { files: [{ name: basename(bill), bytes: (await stat(bill)).size }] })
await Import.storeFile(ctx, id, 0, bill)
const stored = performance.now()
await Import.start(ctx, id)
await services.whenEnded('bills', id)
const seconds = (performance.now() - began) / 1000
const { status, reason } = await Import.get(ctx, id)
if (status !== 'committed') throw new Error(`The import ended with status ${status}: ${reason ?? ''}`)
const { snapshots } = await Snapshot.view(ctx)
const totals = snapshots.flatMap(({ provider, billingAccountId, rows, totals }) =>
  totals.map((total) => ({ provider, billingAccountId, rows, ...total })),
)
const peakMb = process.resourceUsage().maxRSS / 1024 + (await peakOfChildren())
await product.close()
await rm(dataDir, { recursive: true })
const storedSeconds = (stored - began) / 1000
process.stdout.write(`${JSON.stringify({ seconds, storedSeconds, peakMb, totals })}\n`)

/** The sum of the peaks of the processes that read bills, in MB. Linux tells the peak of another process. */
async function peakOfChildren(): Promise<number> {
  const children = (await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).trim().split(' ')
  const peaks = children.map(async (pid) => {
    const [, kilobytes = 0] = /VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kilobytes) / 1024
  })
  return (await Promise.all(peaks)).reduce((sum, peak) => sum + peak, 0)
}
