import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Calendar } from '@cloudoptima/core'
import { normalize } from '@cloudoptima/lake'
import { random } from '../../packages/core/src/analytics/series/numeric.ts'
import { columns, csv } from '../../packages/lake/src/testing.ts'

const accounts = Array.from({ length: 20 }, (_, n) => String(100_000_000_000 + n))
const services = Array.from({ length: 24 }, (_, n) => `Service ${n}`)

const midnight = (day: string) => `${day}T00:00:00Z`

/** Writes the bills of 20 accounts with 24 services over so many days. Every tenth cost rises once. */
export async function estate(folder: string, last: string, days: number): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const next = random(1)
  const rows = accounts.flatMap((account, i) =>
    services.flatMap((service, j) => {
      const [level, rise] = [20 + 200 * next(), (i + j) % 10 === 0 ? Math.floor(80 * next()) : undefined]
      return Array.from({ length: days }, (_, back) => {
        const day = Calendar.addDays(last, -back)
        const week = [0, 6].includes(new Date(day).getUTCDay()) ? 0.6 : 1
        const cost = (level * week * (0.95 + 0.1 * next()) * (back === rise ? 3 : 1)).toFixed(6)
        const { start, end } = Calendar.monthSpan(Calendar.monthOf(day))
        return {
          SubAccountId: account,
          ServiceName: service,
          RegionId: `region-${j % 5}`,
          BilledCost: cost,
          EffectiveCost: cost,
          BillingPeriodStart: midnight(start),
          BillingPeriodEnd: midnight(Calendar.addDays(end, 1)),
          ChargePeriodStart: midnight(day),
          ChargePeriodEnd: midnight(Calendar.addDays(day, 1)),
        }
      })
    }),
  )
  const path = join(folder, 'bill.csv')
  await writeFile(path, csv(rows, [...columns, 'RegionId']))
  const { partitions } = await normalize([{ name: 'bill.csv', path }], {
    workDir: join(folder, 'work'),
    snapshotId: 'imp_1',
    memoryLimit: '500MB',
  })
  await writeFile(join(folder, 'bills.json'), JSON.stringify(partitions))
}
