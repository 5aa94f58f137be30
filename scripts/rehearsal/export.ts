import { gzipSync } from 'node:zlib'
import type { Account } from './account.ts'
import { type Ask, poll } from './api.ts'
import { expectEqual, sum } from './totals.ts'

/** What lies in the customer's bucket. */
export interface DeliveredExport {
  period: string
  billed: string
  rows: number
}

/** Of the rehearsed customer. */
export const costExport = { name: 'focus-daily', bucket: 'customer-cost-exports', prefix: 'exports' }
const { name, bucket, prefix } = costExport

/**
 * Writes the rows of AWS in the FOCUS sample as the export of a month of this year, which has as many days as their
 * month at least: https://docs.aws.amazon.com/cur/latest/userguide/dataexports-export-delivery.html
 */
export async function deliverExport(account: Account, sample: string): Promise<DeliveredExport> {
  const [header = '', ...rows] = sample.trimEnd().split('\n')
  const own = rows.filter((row) => row.includes('"Amazon Web Services, Inc.",') && row.includes('"AWS"'))
  const [period, next] = recentMonth(new Date())
  const text = [header, ...own].join('\n').replaceAll('2024-10-01', `${next}-01`).replaceAll('2024-09', period)
  const folder = `${bucket}/${prefix}/${name}`
  const file = `BILLING_PERIOD=${period}/${name}-00001.csv.gz`
  await account.store(bucket)
  await account.store(`${folder}/data/${file}`, gzipSync(`${text}\n`))
  const manifest = { exportName: name, compression: 'GZIP', dataFiles: [`s3://${folder}/data/${file}`] }
  await account.store(`${folder}/metadata/BILLING_PERIOD=${period}/${name}-Manifest.json`, JSON.stringify(manifest))
  return { period, billed: sum(own.map((row) => row.split(',')[1] ?? '')), rows: own.length }
}

/** The last month that has ended and has 30 days at least, and the month after it. */
function recentMonth(now: Date): [string, string] {
  const month = (ago: number) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - ago, 1)).toISOString().slice(0, 7)
  const ago = month(1).endsWith('-02') ? 2 : 1
  return [month(ago), month(ago - 1)]
}

interface Line {
  provider: string
  our_total_exact: string
  our_rows: number
}

/** Waits until the collected bill is visible, and compares it. */
export async function findExport(user: Ask, { period, billed, rows }: DeliveredExport): Promise<void> {
  const path = `/v1/costs/reconciliation?period=${period}`
  const { lines } = await poll(
    async () => await user<{ lines: Line[] }>('GET', path, 200),
    (answer) => answer.lines.length > 0,
  )
  const found = lines.map((line) => [line.provider, line.our_total_exact, line.our_rows])
  expectEqual(found, [['AWS', billed, rows]], 'the collected bill')
}
