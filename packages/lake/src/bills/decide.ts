import type { DuckDBConnection } from '@duckdb/node-api'
import { Fault } from '@cloudoptima/core'
import type { Column, Format } from '@cloudoptima/providers'
import { firstRow, headerOf } from './first-row.ts'
import { identifier, rows } from '../database.ts'
import { lineOfRow, refusal } from './refusal.ts'
import { selectSource } from './select.ts'
import type { Reading, Source } from './source.ts'

const namesOf = ({ columns }: Format, type: Column['type']): string[] =>
  Object.keys(columns).filter((name) => columns[name]?.type === type)

/** The refusal of a file whose numbers or dates have two readings, unless its siblings tell which. */
export class Undecided extends Fault {
  readonly aspect: 'mark' | 'order'

  constructor(aspect: 'mark' | 'order', { code, message, complaints }: Fault) {
    super(code, message, complaints)
    this.aspect = aspect
  }
}

/** A bill with a row that cannot be understood, unless the file is read in another way. */
export class Unclear extends Error {
  readonly explain: () => Promise<Fault>
  readonly mayBeEmptyRows: boolean

  constructor(explain: () => Promise<Fault>, mayBeEmptyRows: boolean) {
    super('a row cannot be understood')
    this.explain = explain
    this.mayBeEmptyRows = mayBeEmptyRows
  }
}

interface Subject {
  source: Source
  format: Format
}

/** SELECT of all values of the columns, as text. */
function valuesOf({ source, format }: Subject, names: readonly string[]): string {
  const values = names.map(identifier).join(', ')
  return `SELECT DISTINCT unnest([${values}]) AS value FROM (${selectSource(source, format, { mark: 'none' })})`
}

/** A refusal for the first value that fulfils a predicate over `value`. */
async function refuseFirst(
  connection: DuckDBConnection,
  { source, format }: Subject,
  { names, predicate, reason }: { names: readonly string[]; predicate: string; reason: (value: string) => string },
): Promise<Fault> {
  for (const name of names) {
    const select = selectSource(source, format, { mark: 'none', numbered: true })
    const wanted = predicate.replaceAll('value', identifier(name))
    const first = await firstRow(connection, select, { predicate: wanted, value: identifier(name) })
    if (first)
      return refusal(source.name, reason(first.value ?? ''), {
        line: await lineOfRow(source, first.row),
        column: headerOf(source, format, name),
      })
  }
  throw new Error(`${source.name}: no value fulfils ${predicate}`)
}

/**
 * The decimal mark of a file, decided from all its numbers. Throws Fault `invalid` if a value is no number or the file
 * mixes both marks, Undecided if every number has two meanings.
 */
export async function decideMark(connection: DuckDBConnection, subject: Subject): Promise<'point' | 'comma'> {
  const names = namesOf(subject.format, 'decimal')
  const isNoNumber = 'value IS NOT NULL AND bill_money(value, false) IS NULL AND bill_money(value, true) IS NULL'
  const [point, comma] = ['is_with_point(bill_digits(value))', 'is_with_comma(bill_digits(value))']
  const isEither = `${point} AND ${comma} AND regexp_matches(value, '\\d[.,]\\d{3}')`
  const refuse = async (predicate: string, reason: (value: string) => string): Promise<Fault> =>
    await refuseFirst(connection, subject, { names, predicate, reason })
  const [found] = await rows<Record<'unreadable' | 'points' | 'commas' | 'either', string>>(
    connection,
    `SELECT
      count(*) FILTER (${isNoNumber}) AS unreadable,
      count(*) FILTER (${point} AND NOT ${comma}) AS points,
      count(*) FILTER (${comma} AND NOT ${point}) AS commas,
      count(*) FILTER (${isEither}) AS either
    FROM (${valuesOf(subject, names)})`,
  )
  const has = (count: keyof NonNullable<typeof found>): boolean => found !== undefined && found[count] !== '0'
  if (has('unreadable')) throw await refuse(isNoNumber, (value) => `${JSON.stringify(value)} is no number`)
  if (has('points') && has('commas'))
    throw await refuse(
      `${comma} AND NOT ${point}`,
      (value) => `${JSON.stringify(value)} has a decimal comma, and other numbers of the file have a decimal point`,
    )
  if (has('commas')) return 'comma'
  if (has('points') || !has('either')) return 'point'
  const fault = await refuse(
    isEither,
    (value) =>
      `${JSON.stringify(value)} is ${value.replace(',', '.')} or ${value.replace(/[.,]/g, '')}, and no other number ` +
      'of the file tells which: export it with a decimal point and without thousands separators',
  )
  throw new Undecided('mark', fault)
}

/** Whether the file has dates such as 01/09/2024, in its first rows or in all. */
export async function hasLocalTimes(
  connection: DuckDBConnection,
  { source, format }: Subject,
  among: 'first' | 'all' = 'first',
): Promise<boolean> {
  const times = namesOf(format, 'time').map((name) => `is_local_time(${identifier(name)})`)
  const [found] = await rows<{ found: boolean | null }>(
    connection,
    `SELECT bool_or(coalesce(${times.join(' OR ')}, false)) AS found
     FROM (SELECT * FROM (${selectSource(source, format, { mark: 'none' })})${among === 'first' ? ' LIMIT 100' : ''})`,
  )
  return found?.found === true
}

/**
 * The order of day and month in the dates of a file: a number above 12 is a day, and billing periods have a week and
 * contain the charges. Without periods, only the month first is read, as Azure writes it, if the file proves it or is
 * about one month in this order alone. Throws Undecided, or Fault `invalid` for a mixture of both orders.
 */
export async function decideOrder(
  connection: DuckDBConnection,
  subject: Subject,
): Promise<NonNullable<Reading['order']>> {
  const names = namesOf(subject.format, 'time')
  const isDay = `(bill_local_time(value, false) IS NULL OR regexp_matches(value, '^\\s*\\d+\\.'))`
  const isEither = `coalesce(bill_local_time(value, true) <> bill_local_time(value, false), false)`
  const [found] = await rows<Record<'day' | 'month' | 'either', string>>(
    connection,
    `SELECT
      count(*) FILTER (${isDay}) AS day,
      count(*) FILTER (bill_local_time(value, true) IS NULL) AS month,
      count(*) FILTER (${isEither}) AS either
    FROM (${valuesOf(subject, names)}) WHERE is_local_time(value)`,
  )
  const has = (count: keyof NonNullable<typeof found>): boolean => found !== undefined && found[count] !== '0'
  const refuse = async (predicate: string, reason: (value: string) => string): Promise<Fault> =>
    await refuseFirst(connection, subject, { names, predicate: `is_local_time(value) AND ${predicate}`, reason })
  if (has('day') && has('month'))
    throw await refuse(
      isDay,
      (value) => `the day comes first in ${JSON.stringify(value)}, and in other dates of the file the month`,
    )
  if (!has('either')) return has('day') ? 'day' : 'month'
  const plausible = await plausibleOrders(connection, subject, { isMonthProven: has('month') })
  const [order, other] = plausible.filter((order) => (order === 'day' ? !has('month') : !has('day')))
  if (order !== undefined && other === undefined) return order
  if (has('day') || has('month'))
    throw await refuse(
      has('day') ? isDay : 'bill_local_time(value, true) IS NULL',
      (value) =>
        `${JSON.stringify(value)} has the ${has('day') ? 'day' : 'month'} first, ` +
        'and the billing periods do not confirm that of all dates: export dates as 2024-09-30',
    )
  const fault = await refuse(
    isEither,
    (value) =>
      `${JSON.stringify(value)} has two readings, day first or month first, and no other date of the file tells ` +
      'which: export dates as 2024-09-30',
  )
  throw new Undecided('order', fault)
}

/**
 * The orders under which periods have a week, no charge is outside its period that the other order puts inside, and no
 * period is longer than two months that the other order makes shorter: in December, 01/12/2024 to 01/01/2025.
 */
async function plausibleOrders(
  connection: DuckDBConnection,
  { source, format }: Subject,
  { isMonthProven }: { isMonthProven: boolean },
): Promise<NonNullable<Reading['order']>[]> {
  const time = (name: string, isDayFirst: boolean): string =>
    `coalesce(bill_local_time(${identifier(name)}, ${isDayFirst}), bill_time(${identifier(name)}))`
  const { start, end, charge } = format.times
  const read = (prefix: string, isDayFirst: boolean): string =>
    `${time(charge, isDayFirst)} AS ${prefix}_charge, ${time(start, isDayFirst)} AS ${prefix}_start,
     coalesce(${time(end, isDayFirst)}, ${time(start, isDayFirst)} + INTERVAL 1 MONTH) AS ${prefix}_end`
  const isInside = (prefix: string): string =>
    `coalesce(${prefix}_charge BETWEEN ${prefix}_start - INTERVAL 1 DAY AND ${prefix}_end + INTERVAL 1 DAY, false)`
  const isShort = (prefix: string): string =>
    `coalesce(${prefix}_end BETWEEN ${prefix}_start + INTERVAL 7 DAY AND ${prefix}_start + INTERVAL 2 MONTH, false)`
  const isPlausible = (prefix: string, other: string): string =>
    `bool_and(coalesce(${prefix}_end >= ${prefix}_start + INTERVAL 7 DAY, false)
      AND (${isShort(prefix)} OR NOT ${isShort(other)}) AND (${isInside(prefix)} OR NOT ${isInside(other)}))`
  const [found] = await rows<{ hasPeriods: boolean; day: boolean; month: boolean; isOneMonth: boolean }>(
    connection,
    `SELECT
      count(month_start) + count(day_start) > 0 AS "hasPeriods",
      ${isPlausible('day', 'month')} AS day,
      ${isPlausible('month', 'day')} AS month,
      count(DISTINCT date_trunc('month', month_charge)) = 1
        AND count(DISTINCT date_trunc('month', day_charge)) > 1 AS "isOneMonth"
    FROM (
      SELECT ${read('day', true)}, ${read('month', false)}
      FROM (${selectSource(source, format, { mark: 'none' })})
    ) WHERE day_charge IS NOT NULL OR month_charge IS NOT NULL`,
  )
  if (found?.hasPeriods !== true) return isMonthProven || found?.isOneMonth === true ? ['month'] : []
  return (['day', 'month'] as const).filter((order) => found[order])
}
