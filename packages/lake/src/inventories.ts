import type { Compared, Queries, ResourceChange, ToCompare } from '@cloudoptima/core'
import type { DuckDBConnection } from '@duckdb/node-api'
import { literal, parquet, rows, storage } from './database.ts'
import { numbered, placeholders, type Statement } from './statement.ts'

/** More changes are left out: first the oldest of sizes and tags, then the oldest others. */
const mostRows = 50_000
const mostNamed = 100

const stateOf = (side: string) => `CASE WHEN ${side}.ResourceId IS NULL OR ${side}.x_Status IN ('terminated', 'deleted')
  THEN 'gone' WHEN ${side}.x_Status = 'stopped' THEN 'stopped' ELSE 'active' END`
const shownBy = {
  state: (side: string) => `CASE WHEN ${side}.ResourceId IS NOT NULL THEN
  json_object('status', ${side}.x_Status, 'type', ${side}.ResourceType, 'size_gb', ${side}.x_SizeGb) END`,
  size: (side: string) =>
    `json_object('type', ${side}.ResourceType, 'size_gb', ${side}.x_SizeGb, 'iops', ${side}.x_Iops)`,
  tags: (side: string) => `${side}.Tags`,
  user: (side: string) => `json_object('attached_to', ${side}.x_AttachedTo)`,
}

/** One kind of comparison: the change, if there is one, and what is kept of both sides. */
const comparisons: { change: string; shown: (side: string) => string }[] = [
  {
    shown: shownBy.state,
    change: `CASE WHEN was = now THEN NULL WHEN now = 'gone' THEN 'ended'
  WHEN was = 'gone' AND (now = 'stopped' OR n.x_CreatedAt < $foundBefore) THEN 'found'
  WHEN now = 'stopped' THEN 'stopped' ELSE 'started' END`,
  },
  {
    shown: shownBy.size,
    // Unknown is no change, and the size of some kinds follows from their use.
    change: `CASE WHEN was <> 'gone' AND now <> 'gone' AND coalesce(n.ResourceType <> o.ResourceType
  OR n.x_Iops <> o.x_Iops OR (n.x_SizeGb <> o.x_SizeGb AND n.x_Kind NOT IN ('bucket', 'table', 'log_group')), false)
  THEN 'resized' END`,
  },
  {
    shown: shownBy.tags,
    change: `CASE WHEN was <> 'gone' AND now <> 'gone' AND CAST(n.Tags AS VARCHAR) <> CAST(o.Tags AS VARCHAR)
  THEN 'retagged' END`,
  },
  {
    shown: shownBy.user,
    change: `CASE WHEN was <> 'gone' AND now <> 'gone' AND lower(n.x_AttachedTo) IS DISTINCT FROM lower(o.x_AttachedTo)
  THEN CASE WHEN n.x_AttachedTo IS NULL THEN 'detached' ELSE 'attached' END END`,
  },
]

/** Writes the changes of two inventories (local paths) and the earlier ones that are young enough. */
export async function compare(
  connection: DuckDBConnection,
  { before, after, at, foundBefore, changes, since, path }: Omit<ToCompare, 'orgId'>,
): Promise<Compared> {
  const [old, fresh] = [parquet(before), parquet([after])]
  const differing = (a: string, b: string) =>
    `SELECT * EXCLUDE x_TakenAt FROM ${a} EXCEPT ALL SELECT * EXCLUDE x_TakenAt FROM ${b}`
  const [differs] = await rows(
    connection,
    `SELECT 1 FROM ((${differing(old, fresh)}) UNION ALL (${differing(fresh, old)})) LIMIT 1`,
  )
  if (!differs) return { isSame: true, rows: 0, counts: {}, resources: [] }
  const sideOf = (from: string) =>
    `(SELECT * FROM ${from} QUALIFY row_number() OVER (PARTITION BY lower(ResourceId) ORDER BY x_Part) = 1)`
  const found = comparisons.map(
    ({
      change,
      shown,
    }) => `SELECT ServiceProviderName, SubAccountId, ResourceId, x_Kind, x_Change, ${literal(at)} AS x_At,
  CAST(x_Before AS VARCHAR) AS x_Before, CAST(x_After AS VARCHAR) AS x_After FROM (
  SELECT coalesce(n.ServiceProviderName, o.ServiceProviderName) AS ServiceProviderName,
    coalesce(n.SubAccountId, o.SubAccountId) AS SubAccountId, coalesce(n.ResourceId, o.ResourceId) AS ResourceId,
    coalesce(n.x_Kind, o.x_Kind) AS x_Kind, ${stateOf('o')} AS was, ${stateOf('n')} AS now,
    ${change.replace('$foundBefore', literal(foundBefore))} AS x_Change,
    ${shown('o')} AS x_Before, ${shown('n')} AS x_After
  FROM ${sideOf(old)} AS o FULL JOIN ${sideOf(fresh)} AS n ON lower(o.ResourceId) = lower(n.ResourceId)
) WHERE x_Change IS NOT NULL`,
  )
  await connection.run(`CREATE OR REPLACE TEMP TABLE changed AS ${found.join('\nUNION ALL ')}`)
  const earlier =
    changes.length > 0 ? ` UNION ALL SELECT * FROM ${parquet(changes)} WHERE x_At >= ${literal(since)}` : ''
  const order = 'x_At DESC, ResourceId, x_Change'
  // Rules ask since when a resource has been stopped or detached: those changes are left out last.
  const kept = `SELECT * FROM (FROM changed${earlier}) ORDER BY x_Change IN ('retagged', 'resized'), ${order} LIMIT ${mostRows}`
  const all = `SELECT * FROM (${kept}) ORDER BY ${order}`
  const written = await connection.runAndReadAll(`COPY (${all}) TO ${literal(path)} (${storage})`)
  const counts = await rows<{ change: ResourceChange; count: number }>(
    connection,
    'SELECT x_Change AS change, CAST(count(*) AS DOUBLE) AS count FROM changed GROUP BY ALL ORDER BY ALL',
  )
  // In turns, so that many of one kind do not hide the others.
  const resources = await rows<{ id: string; change: ResourceChange }>(
    connection,
    `SELECT ResourceId AS id, x_Change AS change FROM changed
ORDER BY row_number() OVER (PARTITION BY x_Change ORDER BY ResourceId), x_Change LIMIT ${mostNamed}`,
  )
  await connection.run('DROP TABLE changed')
  return {
    isSame: false,
    rows: Number(written.getRowsJson()[0]?.[0] ?? 0),
    counts: Object.fromEntries(counts.map(({ change, count }) => [change, count])),
    resources,
  }
}

export const inventoryStatements = {
  resourceChanges(parameters: Queries['resourceChanges']['parameters']): Statement<'resource_changes'> {
    const { ids, named, start, end, limit } = parameters
    const isOneOf = (column: string, values: string[], letter: string) =>
      values.length > 0 ? `${column} IN (${placeholders(values, letter)})` : 'false'
    const conditions = [
      'x_At >= $start AND x_At < $end',
      ...(ids ? [isOneOf('lower(ResourceId)', ids, 'r')] : []),
      ...(named
        ? [`(x_Kind = 'commitment' OR ${isOneOf("regexp_extract(lower(ResourceId), '[^/:]*$')", named, 'n')})`]
        : []),
    ]
    return {
      dataset: 'resource_changes',
      values: { start, end, limit, ...numbered(ids ?? []), ...numbered(named ?? [], 'n') },
      sql: `SELECT ResourceId AS id, ServiceProviderName AS provider, SubAccountId AS "accountId", x_Kind AS kind,
  x_Change AS change, x_At AS at, x_Before AS earlier, x_After AS later
FROM {files} WHERE ${conditions.join(' AND ')}
ORDER BY x_At DESC, ResourceId, x_Change LIMIT $limit`,
    }
  },
}
