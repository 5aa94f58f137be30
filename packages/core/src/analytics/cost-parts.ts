import * as z from 'zod'
import { payersOf } from '../costs/scope.ts'
import { addDays, addMonths, type Day, daysIn, type Month, monthOf } from '../kernel/calendar.ts'
import type { View } from '../lake/snapshot.ts'
import { type Charge, recurring } from './recurring.ts'

/** Bills so far behind the newest ones are late; older ones have ended, and cost nothing since. */
const lateDays = 45

export const Range = z.object({ predictedCost: z.number(), lowerBound: z.number(), upperBound: z.number() })
export type Range = z.infer<typeof Range>

/** Four decimals: the digits of a forecast mean less than those of a bill. */
export const rounded = (value: number) => Number(value.toFixed(4))

interface Row {
  day: Day
  cost: string
  /** The billing account. */
  payer: string | null
}

/** How far the bills of each payer reach. */
export interface Reach {
  until: (payer: string | null) => Day
  /** Months without bill between months with one. */
  missing: (payer: string | null) => readonly Month[]
}

/** `last` is the last complete day of the payers that still deliver. */
export function reachOf({ snapshots }: View, last: Day): Reach {
  const late = new Map<string, Day>()
  const missing = new Map<string, Month[]>()
  for (const { billingAccountId, complete } of payersOf(snapshots))
    if (complete < last && complete >= addDays(last, -lateDays)) late.set(billingAccountId, complete)
  for (const [payer, bills] of Map.groupBy(snapshots, ({ billingAccountId }) => billingAccountId)) {
    const months = new Set(bills.map(({ period }) => period))
    const [first = '', end = ''] = [...months].toSorted().filter((_, i, all) => i === 0 || i === all.length - 1)
    const gaps: Month[] = []
    for (let month = first; month < end; month = addMonths(month, 1)) if (!months.has(month)) gaps.push(month)
    missing.set(payer, gaps)
  }
  return { until: (payer) => late.get(payer ?? '') ?? last, missing: (payer) => missing.get(payer ?? '') ?? [] }
}

/** The cost of each day from the first charge to `until`; null in months whose bills are missing. */
function seriesOf(rows: readonly Row[], until: Day, reach: Reach) {
  const known = rows.filter(({ day }) => day <= until)
  const start = known.reduce<Day | null>((first, { day }) => (first === null || day < first ? day : first), null)
  const costs = new Map<Day, number>()
  for (const { day, cost } of known) costs.set(day, (costs.get(day) ?? 0) + Number(cost))
  const gaps = new Set([...new Set(known.map(({ payer }) => payer))].flatMap(reach.missing))
  const days = start === null ? [] : Array.from({ length: daysIn({ start, end: until }) }, (_, n) => addDays(start, n))
  const values = days.map((day) => (gaps.has(monthOf(day)) ? null : (costs.get(day) ?? 0)))
  return { start, series: { start: start ?? until, stepSeconds: 86_400, values } }
}

interface Question {
  daysAhead: number
  confidenceLevel: number
}

/** A forecast of usage, and of the charges that are treated apart, after the last complete day. */
export async function predict(
  used: readonly Row[],
  others: readonly (Charge & Pick<Row, 'payer'>)[],
  last: Day,
  reach: Reach,
  question: Question,
) {
  // Most requests to the API need no forecast.
  const { backtest, forecast, total } = await import('./forecast/forecast.ts')
  const level = question.confidenceLevel
  // Until the end of the month at least.
  const horizon = Math.max(question.daysAhead, 31)
  const byEnd = Map.groupBy(used, ({ payer }) => reach.until(payer))
  const daysBehind = (until: Day) => daysIn({ start: until, end: last }) - 1
  // Late payers are forecast from a day of their own; their bounds are added to those of the others.
  const parts = [...(byEnd.size > 0 ? byEnd : [[last, used] as const])].map(([until, rows]) => {
    const { start, series } = seriesOf(rows, until, reach)
    const behind = daysBehind(until)
    return { start, behind, model: forecast(series, { horizon: behind + horizon, levels: [level] }) }
  })
  const repeated = [...Map.groupBy(others, ({ payer }) => reach.until(payer))].map(([until, rows]) => ({
    behind: daysBehind(until),
    ...recurring(rows, until),
  }))
  /** Of the next days, and of the days before them that late payers have not billed. */
  const repeatedIn = (days: number, before: number) =>
    repeated.reduce((all, { behind, on }) => {
      const early = Math.min(before, behind)
      const dates = Array.from({ length: early + days }, (_, n) => addDays(last, 1 - early + n))
      return dates.reduce((sum, date) => sum + on(date), all)
    }, 0)
  const rangeOf = (ranges: readonly { mean: number; lower: number; upper: number }[], fixed: number): Range => {
    const sumOf = (name: 'mean' | 'lower' | 'upper') => ranges.reduce((sum, range) => sum + range[name], fixed)
    return {
      predictedCost: rounded(sumOf('mean')),
      lowerBound: rounded(sumOf('lower')),
      upperBound: rounded(sumOf('upper')),
    }
  }
  const daily = Array.from({ length: horizon }, (_, n) => {
    const date = addDays(last, n + 1)
    const ranges = parts.map(({ behind, model: { mean, intervals } }) => {
      const [at, usual = 0] = [behind + n, mean[behind + n]]
      return { mean: usual, lower: intervals[0]?.lower[at] ?? usual, upper: intervals[0]?.upper[at] ?? usual }
    })
    const fixed = repeated.reduce((sum, { on }) => sum + on(date), 0)
    return { date, ...rangeOf(ranges, fixed) }
  })
  /** Of the next days; `before` counts the days before them that late payers have not billed either. */
  const sumOf = (days: number, before = 0): Range => {
    const ranges = parts.map(({ behind, model }) =>
      total(model, { from: Math.max(0, behind - before), to: behind + days, level }),
    )
    return rangeOf(ranges, repeatedIn(days, before))
  }
  const accuracy = () => {
    const until = [...byEnd.keys()].reduce((first, day) => (day < first ? day : first), last)
    const { mapePercent, rmse, mase, coverageRatio } = backtest(seriesOf(used, until, reach).series, { level })
    const shown = (value: number | undefined) => (value === undefined ? null : rounded(value))
    return { mape: shown(mapePercent), rmse: shown(rmse), mase: shown(mase), coverage: shown(coverageRatio) }
  }
  const repeatedDays = repeated.flatMap(({ days }) => days)
  const starts = parts.flatMap(({ start }) => start ?? []).toSorted()
  const seasons = [...new Set(parts.flatMap(({ model }) => model.periods))].toSorted((a, b) => a - b)
  return {
    start: starts[0] ?? null,
    daily,
    sumOf,
    accuracy,
    seasons,
    recurring: [...Map.groupBy(repeatedDays, ({ dayOfMonth }) => dayOfMonth)]
      .toSorted(([a], [b]) => a - b)
      .map(([dayOfMonth, own]) => ({ dayOfMonth, cost: own.reduce((sum, { cost }) => sum + cost, 0) })),
    oneOffs: repeated.reduce((sum, { oneOffs }) => sum + oneOffs, 0),
  }
}

/** The lines, with the difference between their sum and the total divided among them in proportion to their size. */
export function reconciled<Line extends Range>(lines: readonly Line[], wanted: number): Line[] {
  const sum = lines.reduce((all, { predictedCost }) => all + predictedCost, 0)
  const size = lines.reduce((all, { predictedCost }) => all + Math.abs(predictedCost), 0)
  return lines.map((line) => {
    const moved = size > 0 ? ((wanted - sum) * Math.abs(line.predictedCost)) / size : (wanted - sum) / lines.length
    const predictedCost = rounded(line.predictedCost + moved)
    // Costs that are not negative stay so.
    const least = line.lowerBound < 0 ? -Infinity : Math.min(0, predictedCost)
    return {
      ...line,
      predictedCost,
      lowerBound: Math.max(least, rounded(line.lowerBound + moved)),
      upperBound: rounded(line.upperBound + moved),
    }
  })
}
