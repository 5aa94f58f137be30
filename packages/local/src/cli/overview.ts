import {
  Calendar,
  type Context,
  Cost,
  type Dimension,
  type Filter,
  type LakeFiles,
  type Metric,
  Money,
  Snapshot,
} from '@cloudoptima/core'
import { style, heading, right, rounded, sparkline, table } from './output.ts'

export interface OverviewOptions {
  /** Inclusive days; by default the last twelve months and the current one. */
  start?: string | undefined
  end?: string | undefined
  granularity: Calendar.Granularity
  groupBy: Dimension
  tagKey?: string | undefined
  metric: Metric
  currency?: string | undefined
  filters: Filter[]
  limit: number
}

interface Line {
  name: string
  steps: Money.Amount[]
  total: Money.Amount
}

export async function overviewText(ctx: Context, options: OverviewOptions): Promise<string> {
  const view = await Snapshot.view(ctx)
  const span = spanOf(options, view)
  if (!span) return 'The lake is empty. Import a bill with: npm start -- --import PATH'
  const steps = Calendar.buckets(span, options.granularity)
  const files = Snapshot.filesOf(ctx.orgId, view)
  const { metric } = options
  const filters = Cost.filtersOf(ctx, { filters: options.filters }, [])
  const parameters = { metric, basis: 'charge', ...span, filters, ...Cost.groupedBy(ctx, options) } as const
  const found = await ctx.runtime.lake.query('costByDay', files, parameters)
  const currencies = [...Map.groupBy(found, ({ currency }) => currency)].filter(
    ([currency]) => options.currency === undefined || currency === options.currency,
  )
  if (currencies.length === 0) return `No charges from ${span.start} to ${span.end} match.`
  const sections = currencies
    .map(([currency, rows]) => ({ currency, lines: linesOf(rows, steps, options) }))
    .toSorted((a, b) => Money.descending(totalOf(a.lines), totalOf(b.lines)))
    .map(({ currency, lines }) => section(currency, lines, { steps, span, wholeFrom: wholeFrom(span, view) }, options))
  return [...sections, ...(await excludedNote(ctx, files))].join('\n')
}

async function excludedNote(ctx: Context, files: LakeFiles) {
  const accounts = new Set((await Cost.excludedCosts(ctx, files)).map(({ accountId }) => accountId))
  return accounts.size === 0 ? [] : [style.dim(`Without the excluded accounts ${[...accounts].join(', ')}.`)]
}

function spanOf({ start, end }: OverviewOptions, { snapshots }: Snapshot.View): Calendar.Span | undefined {
  const last =
    end ??
    snapshots.reduce(
      (latest, { days, period }) => later(latest, earlier(days.last, Calendar.monthSpan(period).end)),
      '',
    )
  if (last === '') return undefined
  const earliest = snapshots.reduce((first, { days }) => earlier(first, days.first), last)
  return { start: start ?? later(`${Calendar.addMonths(Calendar.monthOf(last), -12)}-01`, earliest), end: last }
}

/** Bills correct charges of earlier months, whose own bills may be missing: those months are not whole. */
function wholeFrom({ start }: Calendar.Span, { snapshots }: Snapshot.View): string {
  const [first = start] = snapshots.map(({ period }) => Calendar.monthSpan(period).start).toSorted()
  return later(start, first)
}

const earlier = (a: string, b: string) => (a < b ? a : b)
const later = (a: string, b: string) => (a > b ? a : b)
const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

function linesOf(
  rows: readonly { day: string; dimension: string | null; cost: string }[],
  steps: readonly string[],
  options: OverviewOptions,
): Line[] {
  const index = new Map(steps.map((step, i) => [step, i]))
  const byName = Map.groupBy(
    rows,
    ({ dimension }) => dimension ?? (options.groupBy === 'tag' ? '(untagged)' : '(none)'),
  )
  const lines = [...byName].map(([name, own]): Line => {
    const costs = steps.map((): Money.Amount => Money.zero)
    for (const { day, cost } of own) {
      const at = index.get(Calendar.bucketOf(day, options.granularity)) ?? 0
      costs[at] = (costs[at] ?? Money.zero).plus(Money.parse(cost))
    }
    return { name, steps: costs, total: Money.sum(costs) }
  })
  const sorted = lines.toSorted((a, b) => Money.descending(a.total, b.total) || (a.name < b.name ? -1 : 1))
  const rest = sorted.slice(options.limit)
  return rest.length <= 1 ? sorted : [...sorted.slice(0, options.limit), summed(`${rest.length} more`, rest)]
}

function summed(name: string, lines: readonly Line[]): Line {
  const width = lines[0]?.steps.length ?? 0
  const steps = Array.from({ length: width }, (_, i) => Money.sum(lines.map((line) => line.steps[i] ?? Money.zero)))
  return { name, steps, total: Money.sum(steps) }
}

function totalOf(lines: readonly Line[]): Money.Amount {
  return Money.sum(lines.map(({ total }) => total))
}

const stepNames: Record<Calendar.Granularity, string> = { daily: 'day', weekly: 'week', monthly: 'month' }

function section(
  currency: string,
  lines: readonly Line[],
  { steps, span, wholeFrom }: { steps: readonly string[]; span: Calendar.Span; wholeFrom: string },
  { metric, groupBy, tagKey, granularity }: OverviewOptions,
) {
  const all = summed('Total', lines)
  const title = groupBy === 'tag' ? `tag ${tagKey ?? ''}` : groupBy
  const step = stepNames[granularity]
  const columns = [
    capitalized(title),
    `By ${step}`,
    ...[`Last full ${step}`, 'Change', `Total ${currency}`, 'Share'].map(right),
  ]
  const full = lastFull(steps, span, granularity)
  const isComparable = (steps[full - 1] ?? '') >= wholeFrom
  const text = ({ name, steps, total }: Line) => [
    name,
    seriesText(steps, full),
    rounded(Money.plain(steps[full] ?? Money.zero)),
    isComparable ? changeText(steps[full], steps[full - 1]) : '-',
    rounded(Money.plain(total)),
    `${Money.percentOf(total, all.total).toFixed(1)} %`,
  ]
  return [
    heading(`${capitalized(metric)} cost in ${currency}, ${span.start} to ${span.end}`),
    table(columns, [...lines.map(text), text(all).map((cell) => style.bold(cell))]),
  ].join('\n')
}

/** Dims incomplete steps, so that they do not look like a decrease. */
function seriesText(steps: readonly Money.Amount[], full: number) {
  const line = sparkline(steps.map(Money.toNumber))
  return style.cyan(line.slice(0, full + 1)) + style.dim(line.slice(full + 1))
}

/** The last complete step of the span, or the last one if none is. */
function lastFull(steps: readonly string[], { end }: Calendar.Span, granularity: Calendar.Granularity) {
  const last = steps.length - 1
  const isWhole = Calendar.bucketOf(Calendar.addDays(end, 1), granularity) !== steps[last]
  return isWhole ? last : Math.max(0, last - 1)
}

function changeText(now: Money.Amount | undefined, before: Money.Amount | undefined) {
  const percent = now && before && Money.growthPercent(now, before)
  if (percent === undefined || percent === null) return '-'
  const text = `${percent > 0 ? '+' : ''}${percent.toFixed(1)} %`
  return percent > 10 ? style.red(text) : percent < -10 ? style.green(text) : text
}
