import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Calendar, Export, Fault, type FocusVersion } from '@cloudoptima/core'
import { withProduct } from '../open.ts'
import { count, short, table } from '../text.ts'

export interface ExportOptions {
  data: string
  focus: FocusVersion
  out: string
  period?: string
  json?: boolean
}

export async function exportFocus({ data, focus, out, period, json }: ExportOptions): Promise<number> {
  if (period !== undefined && !Calendar.Month.safeParse(period).success)
    throw new Fault('invalid', `--period ${period} is not a month. Write it as 2024-09.`)
  return await withProduct(data, async (product) => {
    const dir = resolve(out)
    await mkdir(dir, { recursive: true })
    const files = await Export.toFocus(product.ctx, { version: focus, dir, ...(period !== undefined && { period }) })
    if (files.length === 0)
      throw new Fault(
        'not_found',
        `The lake has no bills${period === undefined ? '' : ` of ${period}`}. To see its content: npm start -- status`,
      )
    if (json) {
      process.stdout.write(`${JSON.stringify({ files })}\n`)
      return 0
    }
    const rows = files.map((file) => [
      file.provider,
      short(file.billingAccountId, 24),
      file.period,
      count(file.rows),
      file.path,
    ])
    const text = table(
      [
        { title: 'Provider' },
        { title: 'Billing account' },
        { title: 'Period' },
        { title: 'Rows', align: 'right' },
        { title: 'File' },
      ],
      rows,
    )
    process.stdout.write(`${text}\n`)
    return 0
  })
}
