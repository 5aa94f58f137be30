import { type Day, dayOf } from '../../kernel/calendar.ts'
import type { Series } from '../series/series.ts'
import { judge, type Judgement, type Sensitivity } from './detector.ts'

export type Kind = 'spike' | 'dip' | 'shift' | 'ramp'
export type Severity = 'high' | 'medium' | 'low'

/** Alarms of one series and one direction, at most three days apart, with none of the other direction between them. */
export interface Anomaly {
  kind: Kind
  severity: Severity
  first: Day
  last: Day
  /** Day of the first alarm: a ramp begins before it. */
  detected: Day
  /** It may still grow: less than three days have passed since its last alarm. */
  isOpen: boolean
  actual: number
  expected: number
  /** The range of totals without alarm, from independent errors. */
  lower: number
  upper: number
  /** `actual` minus `expected`, in money. */
  impact: number
  /** `impact` in percent of `expected`; null if nothing was expected. */
  deviationPercent: number | null
  /** The highest score. */
  surprise: number
  excess: readonly DayExcess[]
}

/** Amounts sum to the impact of the anomaly, and costs to its actual cost. */
export interface DayExcess {
  day: Day
  amount: number
  cost: number
}

/** Smaller anomalies are not reported; `amount` is in the currency of the series. */
export interface Floor {
  amount: number
  percent: number
}

const mergeDays = 3
const rampDays = 14
const rampGrowth = 1.8
const isWithin = (steps: number, days: number, stepSeconds: number) => steps * stepSeconds <= days * 86_400

/** The anomalies of a series whose impact reaches both floors. */
export function anomaliesOf(
  series: Series,
  { sensitivity, floor = { amount: 0, percent: 0 } }: { sensitivity?: Sensitivity; floor?: Floor } = {},
): Anomaly[] {
  const judged = judge(series, sensitivity)
  return eventsOf(series, judged)
    .map((event) => describe(series, judged, event, floor))
    .filter(({ impact, deviationPercent }) => {
      const isMoney = Math.abs(impact) >= floor.amount
      return isMoney && (deviationPercent === null || Math.abs(deviationPercent) >= floor.percent)
    })
}

interface Event {
  from: number
  to: number
  detected: number
  side: number
}

function eventsOf({ stepSeconds, values }: Series, judged: readonly Judgement[]): Event[] {
  const events: Event[] = []
  for (const [step, { score, expected }] of judged.entries()) {
    if (score < 1) continue
    const side = Math.sign((values[step] ?? expected) - expected)
    const last = events.at(-1)
    if (last?.side === side && isWithin(step - last.to, mergeDays, stepSeconds)) last.to = step
    else events.push({ from: step, to: step, detected: step, side })
  }
  return events.map((event) => ({ ...event, from: beginning(event, { stepSeconds, values }, judged, events) }))
}

/** Values before the first alarm belong to it while they lie on its side, beyond a quarter of the range. */
function beginning(
  { detected, side }: Event,
  { stepSeconds, values }: Omit<Series, 'start'>,
  judged: readonly Judgement[],
  events: readonly Event[],
): number {
  let from = detected
  for (let step = detected - 1; step >= 0 && isWithin(detected - step, rampDays, stepSeconds); step--) {
    const [value, judgement] = [values[step], judged[step]]
    if (value == null || !judgement || events.some((event) => step >= event.detected && step <= event.to)) break
    if ((value - judgement.expected) * side <= judgement.range / 4) break
    from = step
  }
  return from
}

function describe(
  { start, stepSeconds, values }: Series,
  judged: readonly Judgement[],
  { from, to, detected }: Event,
  floor: Floor,
): Anomaly {
  const dayAt = (step: number) => dayOf(new Date(Date.parse(start) + step * stepSeconds * 1000))
  const days = new Map<Day, DayExcess>()
  const sizes: number[] = []
  let [actual, expected, variance, surprise] = [0, 0, 0, 0]
  for (const [i, judgement] of judged.slice(from, to + 1).entries()) {
    const value = values[from + i]
    if (value == null) continue
    const excess = value - judgement.expected
    actual += value
    expected += judgement.expected
    variance += judgement.range ** 2
    surprise = Math.max(surprise, judgement.score)
    sizes.push(excess)
    const day = dayAt(from + i)
    const before = days.get(day)
    days.set(day, { day, amount: (before?.amount ?? 0) + excess, cost: (before?.cost ?? 0) + value })
  }
  const impact = actual - expected
  const isShift = judged.some(
    ({ isShift }, step) => isShift && step >= from && (step <= to || isWithin(step - to, mergeDays, stepSeconds)),
  )
  const isOpen = !isShift && isWithin(values.length - 1 - to, mergeDays - 1, stepSeconds)
  return {
    kind: kindOf(sizes, impact, isShift),
    severity: severityOf(Math.abs(impact), surprise, floor),
    first: dayAt(from),
    last: dayAt(to),
    detected: dayAt(detected),
    isOpen,
    actual,
    expected,
    lower: expected - Math.sqrt(variance),
    upper: expected + Math.sqrt(variance),
    impact,
    deviationPercent: expected === 0 ? null : (100 * impact) / Math.abs(expected),
    surprise,
    excess: [...days.values()],
  }
}

function kindOf(excess: readonly number[], impact: number, isShift: boolean): Kind {
  if (isShift) return 'shift'
  const third = Math.floor(excess.length / 3)
  const sum = (part: readonly number[]) => Math.abs(part.reduce((sum, value) => sum + value, 0))
  const isRamp = excess.length >= 4 && sum(excess.slice(-third)) >= rampGrowth * sum(excess.slice(0, third))
  return isRamp ? 'ramp' : impact < 0 ? 'dip' : 'spike'
}

/** Money counts in multiples of the floor (of 1 without one). */
export function severityOf(impact: number, surprise: number, floor: Floor): Severity {
  const floors = impact / (floor.amount || 1)
  if (floors >= 100 || (floors >= 10 && surprise >= 1.5)) return 'high'
  return floors >= 10 || (floors >= 3 && surprise >= 1.5) ? 'medium' : 'low'
}
