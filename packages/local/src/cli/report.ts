import { type Import, Partition } from '@cloudoptima/core'
import { style, count, exact, heading, periods, right, short, signed, table } from './output.ts'
import type { Refusal } from './paths.ts'
import { type AccountTotal, difference } from './totals.ts'

/** In the format of `--json`. */
interface FileResult {
  file: string
  format: string | null
  rows: number | null
  status: 'committed' | 'unchanged' | 'refused'
  periods: string[]
  reason: string | null
}

export function fileResults(imports: readonly Import.Info[], refusals: readonly Refusal[]): FileResult[] {
  const none = { format: null, rows: null, status: 'refused' as const, periods: [] }
  return [
    ...refusals.map(({ path, reason }) => ({ file: path, ...none, reason })),
    ...imports.flatMap(({ status, files, reason }) =>
      files.map((file) => ({
        file: file.name,
        format: file.format ?? null,
        rows: file.rows ?? null,
        status: status === 'committed' || status === 'unchanged' ? status : ('refused' as const),
        periods: file.periods ?? [],
        reason: reason ?? null,
      })),
    ),
  ]
}

const colors = { committed: style.green, unchanged: style.dim, refused: style.red }
const maxFiles = 20

function filesTable(results: readonly FileResult[]) {
  const isLong = results.length > maxFiles
  const rows = isLong ? summedUp(results) : results.map((result) => ({ ...result, files: 1 }))
  return table(
    ['File', 'Format', right('Rows'), 'Periods', 'Status'],
    rows.map(({ file, files, format, rows, periods: of, status }) => [
      files === 1 ? short(file, 60) : `${count(files)} files`,
      format ?? '-',
      rows === null ? '-' : count(rows),
      periods(of) || '-',
      colors[status](status),
    ]),
  )
}

function summedUp(results: readonly FileResult[]) {
  return [...Map.groupBy(results, ({ format, status }) => `${format ?? ''} ${status}`).values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    return [
      {
        ...first,
        files: group.length,
        rows: group.reduce((sum, { rows }) => sum + (rows ?? 0), 0),
        periods: group.flatMap(({ periods }) => periods),
      },
    ]
  })
}

function reasons(results: readonly FileResult[]) {
  const refused = results.filter(({ status }) => status === 'refused')
  return [...new Set(refused.map(({ file, reason }) => reason ?? `${file} was refused.`))]
    .map((reason) => `${style.red('Refused')}  ${reason}`)
    .join('\n')
}

export function totalsTable(totals: readonly AccountTotal[]): string {
  return table(
    ['Provider', 'Billing account', 'Currency', ...['Billed', 'Effective', 'List', 'Contracted'].map(right)],
    totals.map(({ provider, billingAccountId, currency, billed, effective, list, contracted }) => [
      provider,
      short(billingAccountId, 24),
      currency,
      ...[billed, effective, list, contracted].map(exact),
    ]),
  )
}

/** In the format of `--json`. */
export interface Replaced extends Partition.Partition {
  version: number
  rows: { before: number; after: number }
  days: { before: Days; after: Days | null }
}

type Days = NonNullable<Import.PartitionChange['days']>

export function replacedBills(imports: readonly Import.Info[]): Replaced[] {
  return imports.flatMap(({ changes = [] }) =>
    changes.flatMap(({ partition, version, rows, days = null, replaced }) =>
      replaced
        ? [
            {
              ...Partition.parse(partition),
              version,
              rows: { before: replaced.rows, after: rows },
              days: { before: replaced.days, after: days },
            },
          ]
        : [],
    ),
  )
}

function replacedTable(imports: readonly Import.Info[]) {
  const rows = imports.flatMap(({ changes = [] }) => changes.flatMap(changedRows))
  if (rows.length === 0) return undefined
  return table(
    [
      'Provider',
      'Billing account',
      'Period',
      'Version',
      right('Rows'),
      'Days',
      'Currency',
      ...['Billed before', 'Billed after', 'Difference'].map(right),
    ],
    rows,
  )
}

function changedRows(change: Import.PartitionChange): string[][] {
  const { partition, version, rows, rowsBefore = 0, before, after } = change
  if (!before) return []
  const { provider, billingAccountId, period } = Partition.parse(partition)
  const currencies = [...new Set([...before, ...after].map(({ currency }) => currency))].toSorted()
  const billed = (list: Import.PartitionChange['after'], currency: string) =>
    list.find((total) => total.currency === currency)?.billed ?? '0'
  return currencies.map((currency) => {
    const [old, now] = [billed(before, currency), billed(after, currency)]
    const versions = `${version - 1} → ${version}`
    return [
      provider,
      short(billingAccountId, 24),
      period,
      versions,
      `${count(rowsBefore)} → ${count(rows)}`,
      `${daysText(change.replaced?.days)} → ${daysText(change.days)}`,
      currency,
      exact(old),
      exact(now),
      signed(difference(now, old)),
    ]
  })
}

/** `01-15`, or with another month `08-31 to 09-15`. */
function daysText(days: Days | undefined) {
  if (!days) return '-'
  const [first, last] = [days.first.slice(5), days.last.slice(5)]
  return first.slice(0, 2) === last.slice(0, 2) ? `${first.slice(3)}-${last.slice(3)}` : `${first} to ${last}`
}

export function importReport(
  imports: readonly Import.Info[],
  refusals: readonly Refusal[],
  totals: readonly AccountTotal[],
): string {
  const results = fileResults(imports, refusals)
  const replaced = replacedTable(imports)
  return [
    ...(results.length > 0 ? [heading('Imported'), filesTable(results)] : []),
    ...(results.some(({ status }) => status === 'refused') ? ['', reasons(results)] : []),
    ...(replaced === undefined ? [] : [heading('Replaced'), replaced]),
    ...(totals.length > 0 ? [heading('In the lake, exact'), totalsTable(totals)] : []),
  ].join('\n')
}

const maxBills = 3

/** Warns when a delivery replaced bills of an earlier one of the same command. */
export function replacedWithin(imports: readonly Import.Info[]): string[] {
  const latest = new Map<string, Import.Info>()
  const bills = new Map<string, string[]>()
  for (const info of imports) {
    for (const { partition } of info.status === 'committed' ? (info.changes ?? []) : []) {
      const earlier = latest.get(partition)
      latest.set(partition, info)
      if (!earlier) continue
      const pair = `${nameOf(info)} replaced bills of ${nameOf(earlier)}`
      bills.set(pair, [...(bills.get(pair) ?? []), billOf(partition)])
    }
  }
  return [...bills].map(([pair, replaced]) => {
    const more = replaced.length > maxBills ? ` and ${count(replaced.length - maxBills)} more` : ''
    return (
      `Warning: ${pair}: ${replaced.slice(0, maxBills).join('; ')}${more}. If both are parts of one bill, import ` +
      'them as one folder.'
    )
  })
}

function nameOf({ files }: Import.Info) {
  return files.length === 1 ? (files[0]?.name ?? '') : `${files[0]?.name ?? ''} and ${count(files.length - 1)} more`
}

function billOf(partition: string) {
  const { provider, billingAccountId, period } = Partition.parse(partition)
  return `the bill of ${provider}, account ${billingAccountId}, ${period}`
}
