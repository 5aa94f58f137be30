import { type Column, type Format, positionsOf } from '@cloudoptima/providers'
import { identifier, literal } from '../database.ts'
import { refusal } from './refusal.ts'
import type { Reading, Source } from './source.ts'

/** Throws Fault `invalid` if a column of the format appears twice: its meaning would be ambiguous. */
export function refuseAmbiguousHeaders(source: Source, format: Format): void {
  for (const [name, column] of Object.entries(format.columns)) {
    const same = Map.groupBy(positionsOf(name, column, source.headers), (at) => source.headers[at]?.toLowerCase())
    for (const [first, ...more] of same.values())
      if (first !== undefined && more.length > 0)
        throw refusal(source.name, `the column ${source.headers[first]} appears ${more.length + 1} times`, { line: 1 })
  }
}

/** SELECT that yields the relation `source` of a format: its canonical columns, typed, NULL where the file lacks them. */
export function selectSource(source: Source, format: Format, reading: Reading = {}): string {
  const columns = Object.entries(format.columns).map(([name, column]) => {
    const [position] = positionsOf(name, column, source.headers)
    return `${position === undefined ? missing(column) : read(source, position, column, reading)} AS ${identifier(name)}`
  })
  const presence = (format.presence ?? []).map((name) => {
    const column = format.columns[name]
    return `${column !== undefined && positionsOf(name, column, source.headers).length > 0} AS ${identifier(`has_${name}`)}`
  })
  const numbered = reading.numbered ? 'row_number() OVER ()' : 'NULL::BIGINT'
  return `SELECT ${[...columns, ...presence, `${gatherTags(source, format)} AS gathered_tags`, `${numbered} AS x_SourceRow`].join(',\n  ')}\nFROM ${relation(source, reading)}`
}

/** The file as DuckDB reads it, columns named c0, c1 ... by position: headers may repeat or be empty. */
function relation(source: Source, reading: Reading): string {
  if (source.kind === 'parquet')
    return `(SELECT * FROM read_parquet(${literal(source.path)})) AS file(${source.headers.map((_, i) => `c${i}`).join(', ')})`
  const types = source.headers.map((_, i) => `'c${i}': 'VARCHAR'`)
  const options = [
    literal(source.path),
    `columns = {${types.join(', ')}}`,
    `auto_detect = false, header = true, delim = ${literal(source.delimiter)}, quote = '"', escape = '"', compression = '${source.compression}'`,
    `nullstr = ['', 'NULL', 'null'], strict_mode = true, null_padding = false`,
    ...(reading.numbered ? ['parallel = false'] : []),
  ]
  return `read_csv(${options.join(', ')})`
}

function missing(column: Column): string {
  return column.type === 'decimal' ? 'NULL::DECIMAL(38,18)' : 'NULL::VARCHAR'
}

function read(source: Source, position: number, column: Column, { lenient = false }: Reading): string {
  const name = `c${position}`
  const type = source.kind === 'csv' ? 'CSV' : (source.types[position] ?? 'VARCHAR')
  if (column.type === 'decimal') return decimalOf(name, type, lenient)
  if (source.kind === 'csv') return name
  if (/^(MAP|STRUCT)|\[\]$/.test(type)) return `CAST(to_json(${name}) AS VARCHAR)`
  return `nullif(nullif(CAST(${name} AS VARCHAR), ''), 'NULL')`
}

/** A binary float has the value of its shortest text: 0.1, not 0.1000000000000000055. */
function decimalOf(name: string, type: string, lenient: boolean): string {
  if (lenient && (type === 'CSV' || type === 'VARCHAR')) return `bill_money(${name})`
  // The CSV reader made the NULLs. A plain name keeps the plan small, because the macro repeats it.
  if (type === 'CSV') return `bill_decimal(${name})`
  return /^(DOUBLE|FLOAT|VARCHAR)/.test(type)
    ? `bill_decimal(nullif(CAST(${name} AS VARCHAR), ''))`
    : `CAST(${name} AS DECIMAL(38,18))`
}

function gatherTags(source: Source, format: Format): string {
  const { tagHeader } = format
  const tags = source.headers.flatMap((header, position) => {
    const key = tagHeader?.exec(header)?.[1]
    return key === undefined ? [] : [`struct_pack(k := ${literal(key)}, v := CAST(c${position} AS VARCHAR))`]
  })
  if (tags.length === 0) return 'NULL::VARCHAR'
  return `(SELECT CASE WHEN count(*) > 0 THEN CAST(json_group_object(t.k, t.v) AS VARCHAR) END FROM unnest([${tags.join(', ')}]) AS u(t) WHERE t.v IS NOT NULL)`
}
