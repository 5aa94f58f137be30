import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Calendar, Export, Fault, type FocusVersion } from '@cloudoptima/core'
import { withProduct, type CommonOptions } from '../options.ts'
import { show, count, right, short, table } from '../output.ts'

export interface ExportOptions extends CommonOptions {
  focus: FocusVersion
  out: string
  period?: string
}

export async function exportFocus({ data, focus, out, period, json }: ExportOptions): Promise<number> {
  if (period !== undefined && !Calendar.Month.safeParse(period).success)
    throw new Fault('invalid', `--period ${period} is not a month. Write it as 2024-09.`)
  return await withProduct(data, async ({ ctx }) => {
    const dir = resolve(out)
    await mkdir(dir, { recursive: true })
    const files = await Export.toFocus(ctx, { version: focus, dir, period })
    if (files.length === 0) {
      const ofPeriod = period === undefined ? '' : ` of ${period}`
      throw new Fault('not_found', `The lake has no bills${ofPeriod}. To see its content: npm start -- status`)
    }
    const rows = files.map(({ provider, billingAccountId, period, rows, path }) => [
      provider,
      short(billingAccountId, 24),
      period,
      count(rows),
      path,
    ])
    return show(json, { files }, table(['Provider', 'Billing account', 'Period', right('Rows'), 'File'], rows))
  })
}
