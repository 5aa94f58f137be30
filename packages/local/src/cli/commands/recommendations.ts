import { Recommendations } from '@cloudoptima/core'
import { type CommonOptions, withProduct } from '../options.ts'
import { count, heading, right, rounded, show, style, table } from '../output.ts'
import { onWire } from './costs.ts'

interface RecommendationsOptions extends CommonOptions {
  status?: (typeof Recommendations.statuses)[number]
  category?: (typeof Recommendations.categories)[number]
  sort?: (typeof Recommendations.sorts)[number]
  minSavings?: number
  limit: number
}

type Answer = Awaited<ReturnType<typeof Recommendations.list>>
type Recommendation = Answer['recommendations'][number]

export async function recommendations(options: RecommendationsOptions): Promise<number> {
  const { data, json, status, category, sort, minSavings, limit } = options
  return await withProduct(data, async ({ ctx }) => {
    const input = { status, category, sortBy: sort, minSavings, pageSize: Math.min(limit, 100) }
    const answer = await Recommendations.list(ctx, input)
    return show(json, onWire('recommendations.list', answer), textOf(answer))
  })
}

function textOf({ recommendations: found, summary, pagination: { total } }: Answer): string {
  const { analyzedAt, resources, insufficientData, savings } = summary
  const judged =
    analyzedAt === null
      ? 'No resource was judged yet: connect a cloud account, and see npm start -- accounts.'
      : `${count(resources)} resources were judged at ${analyzedAt.slice(0, 16).replace('T', ' ')} UTC; ` +
        `${count(insufficientData)} have not enough data.`
  if (total === 0) return [heading('Recommendations: none'), style.dim(judged)].join('\n')
  const sums = savings.map(({ monthlyExact, currency }) => `${rounded(monthlyExact)} ${currency}`).join(' and ')
  const columns = [right('Saves a month'), 'Recommendation', 'Change', 'Confidence', 'Risk', 'Undo', 'Id']
  const left =
    total > found.length ? [style.dim(`${total - found.length} more: --limit, or GET /v1/recommendations`)] : []
  return [
    heading(`Recommendations: ${total}${sums === '' ? '' : `, which save ${sums} a month`}`),
    table(columns, found.map(rowOf)),
    ...summary.categories.map(({ category, count: own, savings: sum }) =>
      style.dim(
        `${category}: ${own}${sum.map(({ monthlyExact, currency }) => `, ${rounded(monthlyExact)} ${currency}`).join('')}`,
      ),
    ),
    ...left,
    style.dim(judged),
  ].join('\n')
}

function rowOf(one: Recommendation): string[] {
  const {
    estimatedSavingsMonthlyExact,
    currency,
    title,
    actions,
    confidence,
    riskLevel,
    rollbackPossible,
    id,
    missing,
  } = one
  const saving =
    estimatedSavingsMonthlyExact === null ? 'not known' : `${rounded(estimatedSavingsMonthlyExact)} ${currency ?? ''}`
  const change = actions.map(({ parameters: { from, to } }) => `${from} -> ${to}`).join(', ')
  return [
    saving,
    title,
    missing.length > 0 ? missing.join('; ') : change,
    confidence?.level ?? '',
    riskLevel ?? '',
    rollbackPossible === null ? '' : rollbackPossible ? 'yes' : 'no',
    id,
  ]
}
