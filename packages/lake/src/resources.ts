import type { Queries, ResourceFilter, RowsToWrite } from '@cloudoptima/core'
import type { DuckDBConnection } from '@duckdb/node-api'
import { literal, parquet, storage } from './database.ts'
import { numbered, ofResource, placeholders, pointer, type Statement } from './statement.ts'

/** The fields of a line of JSON: their type, and the column of the lake with FOCUS's name where it has one. */
const fields = {
  resources: {
    id: ['VARCHAR', 'ResourceId'],
    aliases: ['VARCHAR[]', 'x_Aliases'],
    provider: ['VARCHAR', 'ServiceProviderName'],
    accountId: ['VARCHAR', 'SubAccountId'],
    part: ['VARCHAR', 'x_Part'],
    kind: ['VARCHAR', 'x_Kind'],
    name: ['VARCHAR', 'ResourceName'],
    type: ['VARCHAR', 'ResourceType'],
    status: ['VARCHAR', 'x_Status'],
    region: ['VARCHAR', 'RegionId'],
    zone: ['VARCHAR', 'AvailabilityZone'],
    createdAt: ['VARCHAR', 'x_CreatedAt'],
    sizeGb: ['DOUBLE', 'x_SizeGb'],
    iops: ['DOUBLE', 'x_Iops'],
    attachedTo: ['VARCHAR', 'x_AttachedTo'],
    tags: ['JSON', 'Tags'],
    configuration: ['JSON', 'x_Configuration'],
    takenAt: ['VARCHAR', 'x_TakenAt'],
  },
  utilization: {
    provider: ['VARCHAR', 'ServiceProviderName'],
    accountId: ['VARCHAR', 'SubAccountId'],
    resourceId: ['VARCHAR', 'ResourceId'],
    hour: ['VARCHAR', 'x_Hour'],
    metric: ['VARCHAR', 'x_Metric'],
    average: ['DOUBLE', 'x_Average'],
    maximum: ['DOUBLE', 'x_Maximum'],
  },
} as const

/**
 * Writes lines of JSON as Parquet; returns the number of rows. Of `before` (local paths), resources of the kept parts
 * stay, tags that the lines do not have, and values of utilization that they do not have.
 */
export async function writeRows(
  connection: DuckDBConnection,
  dataset: keyof typeof fields,
  { source, path, before, kept }: Pick<RowsToWrite, 'source' | 'path' | 'before' | 'kept'>,
): Promise<number> {
  const known = Object.entries(fields[dataset])
  const types = known.map(([field, [type]]) => `${field}: '${type}'`).join(', ')
  const columns = known.map(([field, [, column]]) => `${field} AS ${column}`).join(', ')
  const lines = `read_json(${literal(source)}, format = 'newline_delimited', columns = {${types}}, maximum_object_size = 67108864)`
  const parts = kept.map(literal).join(', ') || 'NULL'
  const stays = {
    resources: `WHERE x_Part IN (${parts}) OR regexp_extract(x_Part, '[^/]*$') IN (${parts})`,
    utilization: 'ANTI JOIN fresh USING (ResourceId, x_Metric, x_Hour)',
  }
  const rest = before.length > 0 ? ` UNION ALL SELECT * FROM ${parquet(before)} ${stays[dataset]}` : ''
  const order = dataset === 'resources' ? 'ResourceId' : 'ResourceId, x_Metric, x_Hour'
  const tags =
    before.length > 0 ? `SELECT ResourceId, any_value(Tags) AS x_Last FROM ${parquet(before)} GROUP BY ALL` : ''
  const from = {
    resources: tags
      ? `SELECT * EXCLUDE x_Last REPLACE (coalesce(Tags, x_Last) AS Tags)
  FROM rows LEFT JOIN (${tags}) USING (ResourceId)`
      : 'FROM rows',
    utilization: 'FROM rows',
  }
  const made = `WITH rows AS (SELECT ${columns} FROM ${lines}), fresh AS (${from[dataset]})
SELECT * FROM (FROM fresh${rest}) ORDER BY ${order}`
  const written = await connection.runAndReadAll(`COPY (${made}) TO ${literal(path)} (${storage})`)
  return Number(written.getRowsJson()[0]?.[0] ?? 0)
}

type Name = 'measurable' | 'resources' | 'resourceCount' | 'snapshotCounts' | 'utilization' | 'resourceCosts'

const measured = [
  'instance',
  'database',
  'cache',
  'load_balancer',
  'function',
  'container_service',
  'nat_gateway',
  'bucket',
  'volume',
  'table',
]

export const resourceStatements: {
  [N in Name]: (parameters: Queries[N]['parameters']) => Statement<Queries[N]['dataset']>
} = {
  measurable: () => ({
    dataset: 'resources',
    values: {},
    sql: `SELECT ResourceId AS id, x_Kind AS kind, RegionId AS region, ResourceType AS type,
  CAST(x_Configuration AS VARCHAR) AS configuration
FROM {files} WHERE x_Kind IN (${measured.map(literal).join(', ')}) AND x_Status NOT IN ('terminated', 'deleted') ORDER BY id`,
  }),

  resources({ limit, offset, ...filter }) {
    const { where, values } = conditionOf(filter)
    const columns = Object.entries(fields.resources).filter(([field]) => field !== 'part')
    const text = (column: string, type: string) =>
      type === 'DOUBLE' || type === 'VARCHAR'
        ? column
        : type === 'JSON'
          ? `CAST(${column} AS VARCHAR)`
          : `CAST(to_json(${column}) AS VARCHAR)`
    const selected = columns.map(([field, [type, column]]) => `${text(column, type)} AS "${field}"`)
    return {
      dataset: 'resources',
      values: { ...values, limit, offset },
      sql: `SELECT ${selected.join(', ')} FROM {files} WHERE ${where} ORDER BY ResourceId, SubAccountId LIMIT $limit OFFSET $offset`,
    }
  },

  resourceCount(filter) {
    const { where, values } = conditionOf(filter)
    return { dataset: 'resources', values, sql: `SELECT CAST(count(*) AS DOUBLE) AS count FROM {files} WHERE ${where}` }
  },

  snapshotCounts: ({ ids }) => ({
    dataset: 'resources',
    values: numbered(ids),
    sql: `SELECT x_AttachedTo AS id, CAST(count(*) AS DOUBLE) AS count FROM {files}
WHERE x_Kind IN ('snapshot', 'database_snapshot') AND x_AttachedTo IN (${placeholders(ids)}) GROUP BY ALL`,
  }),

  utilization: ({ ids, byHour }) => ({
    dataset: 'utilization',
    values: numbered(ids),
    sql: `SELECT lower(ResourceId) AS id, ${byHour ? 'x_Hour' : 'NULL'} AS hour, x_Metric AS metric,
  avg(x_Average) AS average, max(x_Maximum) AS maximum, CAST(count(*) AS DOUBLE) AS hours
FROM {files} WHERE lower(ResourceId) IN (${placeholders(ids)}) GROUP BY ALL ORDER BY ALL`,
  }),

  resourceCosts: ({ ids, start, end, byDay }) => ({
    dataset: 'costs',
    values: { ...numbered(ids), start, end },
    sql: `SELECT lower(ResourceId) AS id, ${byDay ? 'CAST(CAST(ChargePeriodStart AS DATE) AS VARCHAR)' : 'NULL'} AS day,
  BillingCurrency AS currency, CAST(coalesce(sum(EffectiveCost), 0) AS VARCHAR) AS cost
FROM {files} WHERE CAST(ChargePeriodStart AS DATE) BETWEEN CAST($start AS DATE) AND CAST($end AS DATE)
  AND ${ofResource} AND lower(ResourceId) IN (${placeholders(ids)}) GROUP BY ALL ORDER BY ALL`,
  }),
}

function conditionOf({ kinds, ids, provider, accountId, region, status, tags = [] }: ResourceFilter) {
  const conditions = [`x_Kind IN (${kinds.map(literal).join(', ')})`]
  const values: Record<string, string> = {}
  const equals = { ServiceProviderName: provider, SubAccountId: accountId, RegionId: region, x_Status: status }
  for (const [column, value] of Object.entries(equals)) {
    if (value === undefined) continue
    conditions.push(`${column} = $${column}`)
    values[column] = value
  }
  if (ids) {
    const all = placeholders(ids)
    conditions.push(
      `(lower(ResourceId) IN (${all}) OR list_has_any(list_transform(x_Aliases, lambda alias: lower(alias)), [${all}]))`,
    )
    Object.assign(values, numbered(ids))
  }
  for (const [n, { key, values: wanted }] of tags.entries()) {
    conditions.push(`json_extract_string(Tags, $k${n}) IN (${placeholders(wanted, `v${n}_`)})`)
    Object.assign(values, { [`k${n}`]: pointer(key) }, numbered(wanted, `v${n}_`))
  }
  return { where: conditions.join(' AND '), values }
}
