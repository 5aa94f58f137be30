import type { Queries } from '@cloudoptima/core'
import { mostConverted } from '@cloudoptima/core'
import { metricColumn, rateDay, scope, tagValue } from './scope.ts'
import type { Statement, Value } from './statement.ts'

const amount = 'CAST(coalesce(sum(cost), 0) AS VARCHAR) AS cost'
const priced = 'currency, CAST("rateDay" AS VARCHAR) AS "rateDay"'

/** Whether a list in JSON has the value. */
const isIn = (parameter: string, value: string) => `list_contains(from_json($${parameter}, '["VARCHAR"]'), ${value})`

/** Those of each key and currency that cost most. */
function largest(from: string, name: string): string {
  const isOf = `held.${name} = best.${name} AND held.currency = best.currency`
  const sums = `SELECT ${name}, currency, sum(cost) AS cost FROM ${from} GROUP BY ALL`
  return `SELECT held.* FROM ${from} held SEMI JOIN (
    SELECT * FROM (${sums}) QUALIFY row_number() OVER (PARTITION BY currency ORDER BY abs(cost) DESC, ${name}) <= $most
  ) best ON ${isOf}`
}

export const tagStatements = {
  tagCoverage(parameters: Queries['tagCoverage']['parameters']): Statement<'costs'> {
    const { tags, most, metric, convertTo } = parameters
    const { where, values: scoped, day } = scope(parameters, true)
    const rate = rateDay(convertTo, 'BillingCurrency', day)
    const values: Record<string, Value> = {
      ...scoped,
      ...rate.values,
      most,
      keys: JSON.stringify(tags.map(({ key }) => key)),
    }
    const wanted = tags.map(({ key, allowedValues, virtualTags = [] }, n) => {
      const value = tagValue(`wanted${n}`, key, virtualTags)
      const own = virtualTags.length > 0 ? tagValue(`own${n}`, key, []) : undefined
      Object.assign(values, value.values, own?.values, { [`key${n}`]: key })
      if (allowedValues) values[`allowed${n}`] = JSON.stringify(allowedValues)
      // A value of the bill that a rule overwrites is still on the bill.
      const said = own ? `own${n}` : `value${n}`
      const isAllowed = allowedValues ? isIn(`allowed${n}`, said) : 'true'
      return {
        columns: `${value.sql} AS value${n}${own ? `, ${own.sql} AS own${n}` : ''}`,
        state: `CASE WHEN value${n} IS NULL THEN 'missing' ${own ? `WHEN own${n} IS NULL THEN 'virtual'` : ''} WHEN ${isAllowed} THEN 'allowed' ELSE 'violating' END AS state${n}`,
        value: said,
        parts: `UNION ALL SELECT 'tag', $key${n}, state${n}, NULL, ${priced}, ${amount} FROM cells GROUP BY ALL
UNION ALL SELECT 'violation', $key${n}, 'violating', ${said}, ${priced}, ${amount} FROM (${largest(`(SELECT ${said}, currency, "rateDay", cost FROM cells WHERE state${n} = 'violating')`, said)}) GROUP BY ALL`,
      }
    })
    const of = (name: 'columns' | 'state' | 'value') => wanted.map((one) => `, ${one[name]}`).join('')
    return {
      dataset: 'costs',
      values,
      sql: `WITH charges AS (
  SELECT BillingCurrency AS currency, ${rate.sql} AS "rateDay", Tags AS tags, ${metricColumn[metric]} AS cost${of('columns')}
  FROM {files} WHERE ${where}
), cells AS MATERIALIZED (
  SELECT currency, "rateDay", tags${of('state')}${of('value')}, sum(cost) AS cost FROM charges GROUP BY ALL
), carried AS MATERIALIZED (
  SELECT key, currency, "rateDay", cost FROM (SELECT unnest(json_keys(tags)) AS key, currency, "rateDay", cost FROM cells)
  WHERE NOT ${isIn('keys', 'key')}
)
SELECT 'total' AS part, NULL AS key, NULL AS state, NULL AS value, ${priced}, ${amount} FROM cells GROUP BY ALL
${wanted.map(({ parts }) => parts).join('\n')}
UNION ALL SELECT 'other', key, NULL, NULL, ${priced}, ${amount} FROM (${largest('carried', 'key')}) GROUP BY ALL${convertTo === undefined ? '' : ` LIMIT ${mostConverted + 1}`}`,
    }
  },
}
