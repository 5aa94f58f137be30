import { hash } from 'node:crypto'
import type { CostParameters, Dimension, Filter, Metric, VirtualTag } from '@cloudoptima/core'
import { pointer, type Value } from './statement.ts'

export const metricColumn: Record<Metric, string> = {
  billed: 'BilledCost',
  effective: 'EffectiveCost',
  list: 'ListCost',
  contracted: 'ContractedCost',
}

export const dimensionColumn: Record<Exclude<Dimension, 'tag'>, string> = {
  provider: 'ServiceProviderName',
  // The sub-account, or the billing account if the bill names no sub-account.
  account: 'coalesce(SubAccountId, BillingAccountId)',
  billing_account: 'BillingAccountId',
  subaccount: 'SubAccountId',
  service: 'ServiceName',
  region: 'RegionId',
  category: 'ChargeCategory',
}

interface Scope {
  dataset: 'costs' | 'cost_rollup'
  where: string
  values: Record<string, Value>
  /** The SQL of the day on which a row counts. */
  day: string
}

/** The dataset and condition of the parameters. The roll-up has no tags and no resources. */
export function scope({ basis, start, end, filters }: CostParameters, needsRows = false): Scope {
  const isDetailed = needsRows || filters.some(({ dimension }) => dimension === 'tag')
  const charged = isDetailed ? 'CAST(ChargePeriodStart AS DATE)' : 'ChargeDay'
  // By billing period, a charge of another month counts on the nearest day of the month in which it was billed.
  const day =
    basis === 'charge'
      ? charged
      : `greatest(least(${charged}, CAST(BillingPeriodEnd AS DATE) - 1), CAST(BillingPeriodStart AS DATE))`
  const matching = conditionsOf(filters)
  return {
    dataset: isDetailed ? 'costs' : 'cost_rollup',
    where: [`${day} BETWEEN CAST($start AS DATE) AND CAST($end AS DATE)`, ...matching.conditions].join(' AND '),
    values: { start, end, ...matching.values },
    day,
  }
}

interface Sql {
  sql: string
  values: Record<string, Value>
}

/** The conditions of filters, which must all hold; names of parameters begin with the prefix. */
export function conditionsOf(
  filters: readonly Filter[],
  prefix = 'f',
): {
  conditions: string[]
  values: Record<string, Value>
} {
  const parts = filters.map((filter, i) => conditionOf(filter, `${prefix}${i}`))
  return {
    conditions: parts.map(({ sql }) => sql),
    values: Object.assign({}, ...parts.map(({ values }) => values)) as Record<string, Value>,
  }
}

function conditionOf(filter: Filter, name: string, tag = tagValue): Sql {
  const { dimension, tagKey = '', virtualTags = [] } = filter
  const column =
    dimension === 'tag' ? tag(`${name}_tag`, tagKey, virtualTags) : { sql: dimensionColumn[dimension], values: {} }
  const wanted = filter.values.map((value, j) => [`${name}_${j}`, value] as const)
  return {
    sql: `${column.sql} IN (${wanted.map(([parameter]) => `$${parameter}`).join(', ')})`,
    values: { ...column.values, ...Object.fromEntries(wanted) },
  }
}

/** The value of a tag: of the first rule that holds, and else of the bill. `name` begins its parameters. */
export function tagValue(name: string, key: string, rules: readonly VirtualTag[]): Sql {
  if (rules.length === 0) return { sql: `json_extract_string(Tags, $${name})`, values: { [name]: pointer(key) } }
  const own = ownTag(name, key)
  const cases = rules.map((rule, n) => {
    const conditions = rule.when.map((filter, i) => conditionOf(filter, `${name}_${n}_${i}`, ownTag))
    const all = [...conditions.map(({ sql }) => sql), ...(rule.overwrite ? [] : [`${own.sql} IS NULL`])]
    return {
      sql: `WHEN ${all.join(' AND ') || 'true'} THEN $${name}_${n}`,
      values: Object.assign(
        { [`${name}_${n}`]: rule.value },
        ...conditions.map(({ values }) => values),
      ) as Sql['values'],
    }
  })
  return {
    sql: `CASE ${cases.map(({ sql }) => sql).join(' ')} ELSE ${own.sql} END`,
    values: Object.assign({ ...own.values }, ...cases.map(({ values }) => values)) as Sql['values'],
  }
}

const tagColumn = 'x_Tag_'

/** The value on the bill, in a column of {@link withTags}, because many rules read the same tag. */
function ownTag(_: string, key: string): Sql {
  const column = `${tagColumn}${hash('sha256', key, 'hex').slice(0, 16)}`
  return { sql: column, values: { [column]: pointer(key) } }
}

/** The rows with a column for each tag that the values name. */
export function withTags(rows: string, values: Record<string, Value>): string {
  const columns = Object.keys(values).filter((name) => name.startsWith(tagColumn))
  if (columns.length === 0) return rows
  return `(SELECT *, ${columns.map((name) => `json_extract_string(Tags, $${name}) AS ${name}`).join(', ')} FROM ${rows})`
}

/** The SQL of the day of an amount that is to be converted, and else NULL: a date, because texts group slowly. */
export function rateDay(convertTo: string | undefined, currency: string, day: string) {
  if (convertTo === undefined) return { sql: 'NULL', values: {} }
  return {
    sql: `CASE WHEN ${currency} <> $convert_to THEN ${day} END`,
    values: { convert_to: convertTo },
  }
}
