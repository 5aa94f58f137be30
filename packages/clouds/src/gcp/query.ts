import { type Column, type Fields, Money, recordOf } from '@cloudoptima/sample'
import { Refusal } from '../answers.ts'
import type { Version, Versions } from '../versions.ts'
import type { Answer, Field, Summary } from './operation.ts'

export function summaryOf({ bill }: Version): Summary {
  const summary = { rows: 0, billed: 0n, effective: 0n, begins: '9' }
  for (const { start, costs } of bill().charges) {
    summary.rows++
    summary.billed += costs.billed
    summary.effective += costs.effective
    if (start < summary.begins) summary.begins = start
  }
  return summary
}

/** The column that the table adds to those of the bill. */
const exportTime = 'x_ExportTime'

/** The columns of a table with the bills of all months. */
export function fieldsOf(versions: Versions): Field[] {
  const columns = versions.months().flatMap((month) => versions.of(month).bill().columns)
  return [...new Set([...columns, exportTime])].map((name) => ({ name, type: typeOf(name) }))
}

function typeOf(column: string): string {
  if (/(Start|End|Time)$/.test(column)) return 'TIMESTAMP'
  if (/(Cost|Quantity|Price)$/.test(column)) return 'BIGNUMERIC'
  return column === 'Tags' || column === 'SkuPriceDetails' ? 'JSON' : 'STRING'
}

const microseconds = (time: string | Date): string => `${new Date(time).getTime()}000`

/** Answers one of the two questions of the collector about a table of FOCUS. */
export function answerTo(
  sql: string,
  parameters: Record<string, string>,
  table: { account: string; versions: Versions; summary(version: Version): Summary },
): Answer {
  if (sql.endsWith(' >= @oldest GROUP BY month')) return months(table, parameters['oldest'] ?? '')
  const [, selected] = /^SELECT (.+?) FROM `[^`]+`\s+WHERE .+ = @month$/s.exec(sql) ?? []
  if (selected === undefined) throw new Refusal('invalidQuery', 400)
  return rows(table.versions.of(parameters['month'] ?? ''), selected)
}

function months({ account, versions, summary }: Parameters<typeof answerTo>[2], oldest: string): Answer {
  const sum = (cost: bigint) => Money.format(cost, Money.costScale)
  const found = versions.months().filter((month) => month >= oldest)
  return {
    fields: [
      { name: 'month', type: 'STRING' },
      { name: 'accounts', type: 'STRING', mode: 'REPEATED' },
      { name: 'row_count', type: 'INTEGER' },
      { name: 'exported', type: 'TIMESTAMP' },
      { name: 'billed', type: 'NUMERIC' },
      { name: 'effective', type: 'NUMERIC' },
      { name: 'begins', type: 'TIMESTAMP' },
    ],
    rows: found.map((month) => {
      const version = versions.of(month)
      const { rows: count, billed, effective, begins } = summary(version)
      const exported = microseconds(version.modified)
      return [month, [{ v: account }], String(count), exported, sum(billed), sum(effective), microseconds(begins)]
    }),
  }
}

/** `selected`: `BilledCost AS BilledCost, x_ExportTime AS x_exported`. */
function rows({ bill, modified }: Version, selected: string): Answer {
  const columns = selected.split(', ').map((each) => each.split(' AS '))
  const values = (record: Fields) =>
    columns.map(([column = '']) => {
      if (column === exportTime) return microseconds(modified)
      const text = record[column as Column] ?? ''
      if (text === '') return null
      return typeOf(column) === 'TIMESTAMP' ? microseconds(text) : text
    })
  return {
    fields: columns.map(([column = '', name = column]) => ({ name, type: typeOf(column) })),
    rows: Array.from(bill().charges, (charge) => values(recordOf(charge))),
  }
}
