import type { DuckDBConnection } from '@duckdb/node-api'
import { type Column, type Format, positionsOf } from '@cloudoptima/providers'
import { identifier, literal } from '../database.ts'
import { refusal } from './refusal.ts'
import type { Reading, Source } from './source.ts'

/** Throws Fault `invalid` if a column of the format appears twice, or cannot be read exactly. */
export function refuseUnreadableColumns(source: Source, format: Format): void {
  for (const [name, column] of Object.entries(format.columns)) {
    const [first, second] = positionsOf(name, column, source.headers)
    if (first === undefined) continue
    const same = positionsOf(name, { ...column, aliases: [] }, source.headers)
    if (same.length > 1 || (second !== undefined && source.headers[first] === source.headers[second]))
      throw refusal(source.name, `the column ${source.headers[first]} appears ${Math.max(2, same.length)} times`, {
        line: 1,
      })
    const type = source.types[first] ?? ''
    if (column.type === 'decimal' && Number(/^DECIMAL\((\d+)/.exec(type)?.[1] ?? 0) > 38)
      throw refusal(
        source.name,
        `the type ${type} has more than 38 digits and cannot be read exactly: export it as DECIMAL(38,18)`,
        { column: source.headers[first] },
      )
    if (column.type === 'text' && column.notNull && type === 'FLOAT')
      throw refusal(source.name, 'the type FLOAT rounds ids to 7 digits: export it as text', {
        column: source.headers[first],
      })
  }
}

/** SELECT of the relation `source`: the format's columns, typed, NULL where the file lacks them. */
export function selectSource(source: Source, format: Format, reading: Reading = {}): string {
  const columns = Object.entries(format.columns).map(([name, column]) => {
    const [position] = positionsOf(name, column, source.headers)
    const value = position === undefined ? missing(column, reading) : read(source, position, column, reading)
    return `${value} AS ${identifier(name)}`
  })
  const numbered = reading.numbered ? 'row_number() OVER ()' : 'NULL::BIGINT'
  const ours = [
    `${gatherTags(source, format)} AS gathered_tags`,
    `${countRounded(source, format)} AS rounded`,
    `${numbered} AS x_SourceRow`,
  ]
  return `SELECT ${[...columns, ...ours].join(',\n  ')}\nFROM ${relation(source, format, reading)}`
}

/** The number of costs in a row that have more decimals than the lake. */
function countRounded({ headers, types }: Source, { columns }: Format): string {
  const costs = Object.entries(columns).filter(([name, { type }]) => type === 'decimal' && /cost/i.test(name))
  const positions = costs.flatMap(([name, column]) => positionsOf(name, column, headers).slice(0, 1))
  const texts = positions.filter((position) => !hasFewDecimals(types[position])).map((position) => `c${position}`)
  return ['0', ...texts.map((text) => `coalesce(CAST(is_rounded(CAST(${text} AS VARCHAR)) AS BIGINT), 0)`)].join(' + ')
}

const hasFewDecimals = (type = 'VARCHAR'): boolean => isNumber(type) && Number(/,(\d+)\)$/.exec(type)?.[1] ?? 0) <= 18

/** The file as DuckDB reads it, columns named c0, c1 ... by position: headers may repeat or be empty. */
function relation(source: Source, format: Format, reading: Reading): string {
  const { headers } = source
  const names = namesOf(source)
  const isParquet = source.kind === 'parquet'
  const tags = isParquet ? tagKeys(headers, format) : undefined
  // The texts in a query of their own keep the plan small, because macros repeat what they are given.
  const value = (position: number): string => textOf(`c${position}`, source.types[position])
  const positions = ([name, column]: [string, Column]): number[] => positionsOf(name, column, headers).slice(0, 1)
  const columns = Object.entries(format.columns)
  const [currency = -1] = columns.filter(([name]) => name === format.currency).flatMap(positions)
  const decimals = new Set(columns.filter(([, { type }]) => type === 'decimal').flatMap(positions))
  const texts = names.map((name, position) => {
    if (tags?.has(position)) return name
    if (position === currency) return `${coded(value(position), reading)} AS ${name}`
    const isAmount = reading.mark !== undefined && decimals.has(position) && isText(source.types[position])
    return `${isAmount ? `bill_amount(${value(position)}, ${value(currency)})` : value(position)} AS ${name}`
  })
  const from = isParquet ? named(source) : csvOf(source, { isSerial: reading.numbered === true })
  return `(SELECT ${texts.join(', ')} FROM ${from})`
}

const namesOf = ({ headers, tagsAt }: Source): string[] =>
  [...headers, ...(tagsAt === undefined ? [] : ['tags'])].map((_, i) => `c${i}`)

/** The CSV as DuckDB reads it, by all threads or in its order by one. */
export function csvOf(source: Source, { isSerial }: { isSerial: boolean }): string {
  const { path: delivered, dialect, rewritten } = source
  const [path, delimiter, compression] =
    rewritten === undefined ? [delivered, dialect.delimiter, dialect.compression] : [rewritten, ',', 'none']
  const options = [
    literal(path),
    `columns = {${namesOf(source)
      .map((name) => `'${name}': 'VARCHAR'`)
      .join(', ')}}`,
    `auto_detect = false, header = true, delim = ${literal(delimiter)}, quote = '"', escape = '"'`,
    // DuckDB's default of 32 MB takes 100 MB more memory, and is no faster.
    `compression = '${compression}', buffer_size = ${8 * 1024 * 1024}`,
    // With any nullstr, DuckDB drops a surplus field that is empty or begins like one: the row would shift silently.
    'nullstr = []::VARCHAR[], strict_mode = true, null_padding = false',
    ...(isSerial ? ['parallel = false'] : []),
  ]
  return `read_csv(${options.join(', ')})`
}

/** A delivered Parquet file. Some engines write texts without saying that they are texts; a bill has no other bytes. */
export function parquetOf(path: string): string {
  return `read_parquet(${literal(path)}, binary_as_string = true, hive_partitioning = false)`
}

/** The Parquet file with columns named by position. */
function named({ path, headers, fields = ['*'] }: Source): string {
  return `(SELECT ${fields.join(', ')} FROM ${parquetOf(path)}) AS file(${headers.map((_, i) => `c${i}`).join(', ')})`
}

/** Writes a Parquet file as CSV, from which the tags of thousands of columns can be gathered. */
export async function asCsv(connection: DuckDBConnection, source: Source, path: string): Promise<Source> {
  const names = source.headers.map((_, i) => `c${i}`)
  const texts = names.map((name, i) => (/^(MAP|STRUCT)|\[\]$/.test(source.types[i] ?? '') ? `to_json(${name})` : name))
  await connection.run(
    `COPY (SELECT ${texts.join(', ')} FROM ${named(source)}) TO ${literal(path)} (FORMAT csv, HEADER)`,
  )
  return { ...source, kind: 'csv', path, types: [] }
}

function missing({ type }: Column, { mark }: Reading): string {
  return type === 'decimal' && mark !== 'none' ? 'NULL::DECIMAL(38,18)' : 'NULL::VARCHAR'
}

function read(source: Source, position: number, column: Column, { mark, order }: Reading): string {
  const name = `c${position}`
  const type = source.types[position] ?? 'VARCHAR'
  if (column.type === 'time' && order !== undefined)
    return `coalesce(CAST(bill_local_time(${name}, ${order === 'day'}) AS VARCHAR), ${name})`
  if (column.type !== 'decimal' || mark === 'none') return isNumber(type) ? `CAST(${name} AS VARCHAR)` : name
  if (isNumber(type)) return `CAST(${name} AS DECIMAL(38,18))`
  return mark !== undefined && isText(type) ? `bill_money(${name}, ${mark === 'comma'})` : `bill_decimal(${name})`
}

/** The currency with a code instead of each name. */
function coded(value: string, { currencies = {} }: Reading): string {
  const codes = Object.entries(currencies).map(([name, code]) => ` WHEN ${literal(name)} THEN ${literal(code)}`)
  return codes.length === 0 ? value : `CASE bill_currency(${value})${codes.join('')} ELSE ${value} END`
}

const isText = (type = 'VARCHAR'): boolean => type === 'VARCHAR'
const isNumber = (type: string): boolean => /^(DECIMAL|U?(TINY|SMALL|BIG|HUGE)?INT)/.test(type)

/** A value as text. A binary float has the value of its shortest text: 0.1. */
function textOf(name: string, type = 'VARCHAR'): string {
  if (isNumber(type)) return name
  if (/^(MAP|STRUCT)|\[\]$/.test(type)) return `CAST(to_json(${name}) AS VARCHAR)`
  return `bill_value(CAST(${name} AS VARCHAR))`
}

/** The tags of all tag columns as one JSON object, in one expression: a plan with one per tag does not fit memory. */
function gatherTags(source: Source, format: Format): string {
  if (source.tagsAt !== undefined) return `c${source.tagsAt}`
  const keys = tagKeys(source.headers, format)
  if (keys.size === 0) return 'NULL::VARCHAR'
  const values = [...keys.keys()].map((position) => `CAST(c${position} AS VARCHAR)`).join(', ')
  const pairs = `list_zip([${[...keys.values()].map(literal).join(', ')}], [${values}])`
  return `nullif(CAST(to_json(map_from_entries(list_filter(${pairs}, lambda pair: pair[2] <> ''))) AS VARCHAR), '{}')`
}

/** The key of each tag column by its position; a key that comes twice keeps its prefix. */
export function tagKeys(headers: readonly string[], { tagHeader }: Format): Map<number, string> {
  const keys = new Map<number, string>()
  const taken = new Set<string>()
  for (const [position, header] of headers.entries()) {
    const key = tagHeader?.exec(header)?.[1]
    if (key === undefined) continue
    keys.set(position, taken.has(key) ? header : key)
    taken.add(key)
  }
  return keys
}
