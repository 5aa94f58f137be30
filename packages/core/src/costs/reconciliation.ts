import * as z from 'zod'
import { dayOf, Month, monthOf, Time } from '../kernel/calendar.ts'
import type { Context } from '../effects/context.ts'
import { controlMetrics, costMetrics, type Metric, type Queries } from '../effects/queries.ts'
import { exactly, parse, plain, sum, withExact, zero, type Amount } from '../kernel/money.ts'
import { filesOf, type Info as SnapshotInfo, type View } from '../lake/snapshot.ts'
import { question } from './answers.ts'
import { type ExcludedCosts, excludedCosts, completeUntil } from './scope.ts'

type Row = Queries['reconciliation']['row']

export const Input = z.strictObject({
  period: Month.optional().describe('The billing period, by its first month. By default the last one of the lake.'),
  asOf: Time.optional().describe('Reconciles as known at that time.'),
})

const exact = z.string().describe('An exact decimal.')
const Withheld = z.object({ accountId: z.string(), rows: z.int(), billed: exact, effective: exact })

/** Between two metrics, by kind of charge. */
export const Explanation = z.object({
  from: z.enum(costMetrics),
  to: z.enum(costMetrics),
  ...exactly('difference', '`to` minus `from`.'),
  components: z.object({
    commitmentPurchases: exact.describe('Commitments are billed when bought and cost effectively nothing then.'),
    commitmentUsed: exact.describe(
      'Usage covered by commitments: billed nothing, effectively its share of the commitment.',
    ),
    commitmentUnused: exact.describe('The share of commitments that nothing used.'),
    credits: exact,
    tax: exact,
    other: exact.describe('All other charges.'),
  }),
})

export const Line = z.object({
  provider: z.string(),
  billingAccountId: z.string(),
  currency: z.string(),
  metric: z.enum(controlMetrics).describe("The metric of the bill's own cost column."),
  ...exactly('billTotal', "The sum of the bill's own cost column, read apart from the mapping."),
  billRows: z.int(),
  ...exactly('ourTotal', 'The total that answers count.'),
  ourRows: z.int(),
  withheld: z
    .array(Withheld)
    .describe('Costs of purged accounts on the bill. No answer contains them, and `our_total` does not.'),
  ...exactly('difference', '`our_total` plus `withheld` minus `bill_total`: 0 if no row was lost or counted twice.'),
  costs: z
    .object({ billed: exact, effective: exact, list: exact.nullable(), contracted: exact.nullable() })
    .describe('Null where the bill has no value.'),
  explanations: z.array(Explanation).describe('One for each metric that differs from the billed cost.'),
  importId: z.string().describe('Of the newest part, where the accounts of a bill deliver parts of it.'),
  version: z.int().describe('The version of this account and period, counted from 1; of the newest part.'),
})
type Line = z.infer<typeof Line>

export const Info = z.object({
  period: z.string(),
  reconciled: z.boolean().describe('Whether every difference is exactly 0.'),
  lines: z.array(Line),
  meta: z.object({ asOf: z.string().nullable(), lakeVersion: z.int(), completeUntil: z.string().nullable() }),
})

const componentOf = {
  commitment_purchase: 'commitmentPurchases',
  commitment_used: 'commitmentUsed',
  commitment_unused: 'commitmentUnused',
  credit: 'credits',
  tax: 'tax',
  other: 'other',
} as const satisfies Record<Row['kind'], keyof z.infer<typeof Explanation>['components']>

export const get = question(
  'costs.reconciliation',
  Input,
  'read:costs',
  async (ctx, { period: asked, asOf }, view): Promise<z.infer<typeof Info>> => {
    const last = view.snapshots.reduce((newest, { period }) => (period > newest ? period : newest), '')
    const period = asked ?? (last || monthOf(dayOf(asOf === undefined ? ctx.now() : new Date(asOf))))
    const snapshots = view.snapshots.filter((snapshot) => snapshot.period === period)
    // Parts of a bill may be known by different costs: each line has the rows of its own parts only.
    const batches = [...Map.groupBy(snapshots, metricsOf).values()]
    const lines = (await Promise.all(batches.map(async (batch) => await linesOf(ctx, view, batch, period)))).flat()
    return {
      period,
      reconciled: lines.every(({ differenceExact }) => differenceExact === '0'),
      lines,
      meta: {
        asOf: view.snapshots.length === 0 ? null : view.at,
        lakeVersion: view.lakeVersion,
        completeUntil: completeUntil(view),
      },
    }
  },
)

function keyOf({ provider, billingAccountId, currency }: Pick<Row, 'provider' | 'billingAccountId' | 'currency'>) {
  return JSON.stringify([provider, billingAccountId, currency])
}

interface Part {
  snapshot: SnapshotInfo
  control: SnapshotInfo['control'][number]
}

const metricsOf = ({ control }: SnapshotInfo) => [...new Set(control.map(({ metric }) => metric))].toSorted().join()

/** One for each account, currency and metric. */
async function linesOf(ctx: Context, view: View, snapshots: SnapshotInfo[], period: string): Promise<Line[]> {
  const files = filesOf(ctx.orgId, view, snapshots)
  const [rows, excluded] = await Promise.all([
    ctx.runtime.lake.query('reconciliation', files, { period }),
    excludedCosts(ctx, files),
  ])
  const [ours, withheld] = [Map.groupBy(rows, keyOf), Map.groupBy(excluded, keyOf)]
  const parts = snapshots.flatMap((snapshot) => snapshot.control.map((control): Part => ({ snapshot, control })))
  const keyOfPart = ({ snapshot, control }: Part) => keyOf({ ...snapshot, currency: control.currency })
  const bills = Map.groupBy(parts, (part) => `${keyOfPart(part)} ${part.control.metric}`)
  return [...bills.values()].map((bill) => {
    const newest = bill.reduce((last, part) => (part.snapshot.at > last.snapshot.at ? part : last))
    const key = keyOfPart(newest)
    return lineOf(newest, bill, ours.get(key) ?? [], withheld.get(key) ?? [])
  })
}

function lineOf(
  { snapshot, control }: Part,
  parts: readonly Part[],
  rows: readonly Row[],
  withheld: readonly ExcludedCosts[],
): Line {
  const bill = sum(parts.map((part) => parse(part.control.total)))
  const ours = totalOf(rows, control.metric) ?? zero
  const difference = sum([ours, ...withheld.map((account) => parse(account[control.metric]))]).minus(bill)
  const billed = totalOf(rows, 'billed') ?? zero
  return {
    provider: snapshot.provider,
    billingAccountId: snapshot.billingAccountId,
    currency: control.currency,
    metric: control.metric,
    ...withExact('billTotal', bill),
    billRows: parts.reduce((count, part) => count + part.control.rows, 0),
    ...withExact('ourTotal', ours),
    ourRows: rows.reduce((count, row) => count + row.rows, 0),
    withheld: withheld.map((row) => Withheld.parse(row)),
    ...withExact('difference', difference),
    costs: {
      billed: plain(billed),
      effective: plain(totalOf(rows, 'effective') ?? zero),
      list: textOf(totalOf(rows, 'list')),
      contracted: textOf(totalOf(rows, 'contracted')),
    },
    explanations: (['effective', 'contracted', 'list'] as const).flatMap((metric) => explain(rows, billed, metric)),
    importId: snapshot.snapshotId,
    version: snapshot.version,
  }
}

/** Null if no kind of charge has a value. */
function totalOf(rows: readonly Row[], metric: Metric): Amount | null {
  const known = rows.map((row) => row[metric]).filter((cost) => cost !== null)
  return known.length === 0 ? null : sum(known.map(parse))
}

function textOf(amount: Amount | null) {
  return amount && plain(amount)
}

/** A kind of charge without a value counts as 0 in the metric. */
export function explain(rows: readonly Row[], billed: Amount, to: Metric): z.infer<typeof Explanation>[] {
  const difference = totalOf(rows, to)?.minus(billed) ?? zero
  if (difference.eq(0)) return []
  const components = {
    commitmentPurchases: '0',
    commitmentUsed: '0',
    commitmentUnused: '0',
    credits: '0',
    tax: '0',
    other: '0',
  }
  for (const row of rows) components[componentOf[row.kind]] = plain(parse(row[to] ?? '0').minus(parse(row.billed)))
  return [{ from: 'billed', to, ...withExact('difference', difference), components }]
}
