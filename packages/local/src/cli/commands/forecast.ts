import { CostForecast } from '@cloudoptima/core'
import { type CommonOptions, withProduct } from '../options.ts'
import { heading, right, rounded, show, style, table } from '../output.ts'
import { filtersOf, onWire } from './costs.ts'

interface ForecastOptions extends CommonOptions {
  days: number
  currency?: string
  filter?: string[]
}

type Answer = Awaited<ReturnType<typeof CostForecast.costForecast>>

export async function forecast({ data, json, days, currency, filter = [] }: ForecastOptions): Promise<number> {
  const filters = filtersOf(filter)
  return await withProduct(data, async ({ ctx }) => {
    const answer = await CostForecast.costForecast(ctx, {
      daysAhead: Math.min(days, 365),
      currency,
      filters,
      groupBy: 'service',
    })
    return show(json, onWire('costs.forecast', answer), textOf(answer))
  })
}

function textOf(answer: Answer): string {
  const { forecast: days, breakdown, monthEnd, accuracyMetrics, basedOn, currency, meta } = answer
  if (basedOn.startDate === null) return heading('There are no costs to forecast from.')
  const [first, last] = [days[0]?.date, days.at(-1)?.date]
  const row = (name: string, part: { predictedCost: number; lowerBound: number; upperBound: number }) => [
    name,
    ...[part.predictedCost, part.lowerBound, part.upperBound].map((cost) => rounded(String(cost))),
  ]
  const total = {
    predictedCost: answer.totalForecasted,
    lowerBound: answer.totalLowerBound,
    upperBound: answer.totalUpperBound,
  }
  const { mape, coverage } = accuracyMetrics
  const shown = (value: number | null, factor = 1) => (value === null ? 'unknown' : `${(value * factor).toFixed(1)} %`)
  return [
    heading(`Forecast of the effective cost in ${currency}, ${first} to ${last}`),
    table(
      ['', right('Cost'), right('At least'), right('At most')],
      [
        ...breakdown.map((line) => row(line.dimension, line)),
        row('Total', total).map((cell) => style.bold(cell)),
        row(`All of ${monthEnd.month}`, monthEnd),
      ],
    ),
    style.dim(
      `Bounds hold in 95 of 100 cases. From ${basedOn.startDate} to ${basedOn.endDate}. Earlier forecasts of these costs ` +
        `were off by ${shown(mape)} a day, and their bounds held in ${shown(coverage, 100)} of the days.`,
    ),
    ...meta.missing.map(({ detail }) => style.dim(detail)),
  ].join('\n')
}
