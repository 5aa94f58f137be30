import type { LakeFiles } from '../effects/lake.ts'
import type { CostParameters, Queries } from '../effects/queries.ts'
import type { Head, Info } from '../lake/snapshot.ts'
import { memoryRuntime, testContext } from './runtime.ts'

export type Row = Queries['costByDay']['row']
export type Part = Queries['costOverview']['row']
type Asked = {
  name: string
  files: LakeFiles
  parameters: CostParameters & {
    groupBy?: string
    tagKey?: string
    previousStart?: string
    previousEnd?: string
    convertTo?: string
    pairs?: { earlier: string; later: string }[]
  }
}

/** A bill of this provider and period, with changes. */
export function snapshot(given: Partial<Info> & Pick<Info, 'provider' | 'period'>): Info {
  const partition = `${given.provider}/1/${given.period}`
  const [first, last] = [`${given.period}-01`, `${given.period}-28`]
  return {
    id: partition,
    partition,
    billingAccountId: '1',
    snapshotId: 'imp_1',
    raw: 'imp_1',
    version: 1,
    lakeVersion: 1,
    at: '2026-01-01T00:00:00.000Z',
    digest: 'd',
    formats: ['focus-1.0'],
    siblings: 1,
    rows: 100,
    days: { first, last },
    totals: [{ currency: 'USD', billed: '1', effective: '1', list: null, contracted: null }],
    control: [],
    kind: 'bill' as const,
    files: { costs: [`${partition}/costs`], cost_rollup: [`${partition}/rollup`] },
    ...given,
  }
}

const august = snapshot({ provider: 'AWS', period: '2024-08', days: { first: '2024-08-01', last: '2024-08-31' } })
/** The bills of August and September. */
export const september = [
  august,
  snapshot({ provider: 'AWS', period: '2024-09', days: { first: '2024-09-01', last: '2024-09-30' } }),
]

/** The answer of a lake with these rows to the query of the overview. */
function partsOf(rows: Row[], { start, end, previousStart = '', convertTo }: Asked['parameters']): Part[] {
  return rows.flatMap(({ day, dimension, currency, cost }): Part[] => {
    const rateDay = convertTo !== undefined && currency !== convertTo ? day : null
    if (day >= previousStart && day < start) return [{ part: 'previous', key: null, currency, rateDay, cost }]
    if (day < start || day > end) return []
    return [
      { part: 'day', key: day, currency, rateDay, cost },
      { part: 'dimension', key: dimension, currency, rateDay, cost },
    ]
  })
}

/** A lake of these snapshots and rows, and the queries that it gets. */
export async function lakeOf(
  snapshots: Info[],
  rows: Row[] = [],
  others: Partial<{ [Name in keyof Queries]: Queries[Name]['row'][] }> = {},
) {
  const asked: Asked[] = []
  const runtime = memoryRuntime(() => ({
    query: async (name: keyof Queries, files: LakeFiles, parameters: Asked['parameters']) => {
      asked.push({ name, files, parameters })
      return others[name] ?? partsOf(rows, parameters)
    },
  }))
  for (const info of snapshots) await runtime.tables.partitions.put('org_test', info)
  const head: Head = { id: 'head', version: 1, at: '2026-01-01T00:00:00.000Z', moves: [], excluded: [] }
  if (snapshots.length > 0) await runtime.tables.heads.put('org_test', head)
  return { ctx: testContext(runtime), asked, runtime, head }
}

/** A row of costs by day. */
export const row = (day: string, cost: string, dimension: string | null = 'EC2', currency = 'USD'): Row => ({
  day,
  cost,
  dimension,
  currency,
})
