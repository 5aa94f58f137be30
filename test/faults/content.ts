import { type Queries, Snapshot } from '@cloudoptima/core'
import type { World } from '../world.ts'
import type { LakeContent } from './bill.ts'

/** Reads the visible content of the lake, from the snapshots and from their Parquet files. */
export async function readContent(world: World, asOf?: Date): Promise<LakeContent> {
  const { ctx } = world
  const view = await Snapshot.view(ctx, asOf ? { asOf } : {})
  const { snapshots } = view
  const files = Snapshot.filesOf(ctx.orgId, view)
  const periods = [...new Set(snapshots.map(({ period }) => period))]
  const sums = await Promise.all(
    periods.map(async (period) =>
      (await ctx.runtime.lake.query('reconciliation', files, { period })).map(
        ({ provider, billingAccountId, currency, rows, billed, effective }) =>
          `${provider}/${billingAccountId}/${period}: ${rows} rows, ${billed} ${effective} ${currency}`,
      ),
    ),
  )
  return {
    view: snapshots
      .flatMap(({ partition, version, totals }) =>
        totals.map(({ currency, billed, effective }) => ({
          partition,
          text: `${billed} ${effective} ${currency}`,
          version,
        })),
      )
      .map(
        ({ partition, text, version }) =>
          `${partition} v${version}: ${snapshots.find((each) => each.partition === partition)?.rows} rows, ${text}`,
      )
      .toSorted(),
    rollup: sums.flat().toSorted(),
    rows: await rowsOf(world, files),
  }
}

/** Reads every row by its unique tag. A duplicated row would show twice its cost. */
async function rowsOf(
  { ctx }: World,
  files: Parameters<World['ctx']['runtime']['lake']['query']>[1],
): Promise<string[]> {
  const scope: Omit<Queries['costByDay']['parameters'], 'metric'> = {
    groupBy: 'tag',
    tagKey: 'row',
    basis: 'charge',
    start: '2024-01-01',
    end: '2024-12-31',
    filters: [],
  }
  const [billed, effective] = await Promise.all(
    (['billed', 'effective'] as const).map(
      async (metric) => await ctx.runtime.lake.query('costByDay', files, { ...scope, metric }),
    ),
  )
  const effectiveOf = new Map(effective?.map(({ day, dimension, cost }) => [`${day} ${dimension}`, cost]))
  return (billed ?? [])
    .map(
      ({ day, dimension, currency, cost }) =>
        `${dimension} ${day}: ${cost} ${effectiveOf.get(`${day} ${dimension}`)} ${currency}`,
    )
    .toSorted()
}

export function isEqual(content: LakeContent, expected: LakeContent): boolean {
  return JSON.stringify(content) === JSON.stringify(expected)
}

/** Describes the first lines that differ: `+` unexpected, `-` missing. */
export function difference(content: LakeContent, expected: LakeContent): string {
  const lines = (['view', 'rollup', 'rows'] as const).flatMap((part) => {
    const [a, b] = [new Set(content[part]), new Set(expected[part])]
    return [
      ...content[part].filter((line) => !b.has(line)).map((line) => `+ ${line}`),
      ...expected[part].filter((line) => !a.has(line)).map((line) => `- ${line}`),
    ]
  })
  return `${lines.length} lines differ: ${lines.slice(0, 6).join(' | ')}`
}
