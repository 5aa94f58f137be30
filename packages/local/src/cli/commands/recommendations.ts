import { Recommendations } from '@cloudoptima/core'
import { type CommonOptions, withProduct } from '../options.ts'
import { clipped, count, heading, right, rounded, show, style, table } from '../output.ts'
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
    const scheduled = await Recommendations.list(ctx, { ...input, status: 'scheduled', pageSize: 1 })
    const text = textOf(answer, status === 'scheduled' ? 0 : scheduled.summary.count)
    return show(json, onWire('recommendations.list', answer), text)
  })
}

function textOf({ recommendations: found, summary, pagination: { total } }: Answer, scheduled: number): string {
  const { analyzedAt, resources, insufficientData, savings, savingsAtMost } = summary
  const judged =
    analyzedAt === null || (resources === 0 && total === 0)
      ? 'No resource was judged yet: the resources of a cloud account are read first. See npm start -- accounts.'
      : `${count(resources)} resources were judged at ${analyzedAt.slice(0, 16).replace('T', ' ')} UTC; ` +
        `${count(insufficientData)} have not enough data.`
  const others =
    scheduled === 0 ? [] : [style.dim(`${scheduled} scheduled: npm start -- recommendations --status scheduled`)]
  if (total === 0) return [heading('Recommendations: none'), ...others, style.dim(judged)].join('\n')
  const sums = sumsText(savings)
  const most = sumsText(savingsAtMost)
  const isJudged = found.some(({ missing }) => missing.length === 0)
  const isScheduled = found.some(({ executionId }) => executionId !== null)
  const columns = isJudged
    ? [
        right('Saves a month'),
        'Resource',
        'Reason',
        'Change',
        'Confidence',
        'Risk',
        'Undo',
        ...(isScheduled ? ['Execution'] : []),
        'Id',
      ]
    : [right('Costs a month'), 'Resource', 'Missing', 'Id']
  const left =
    total > found.length
      ? [style.dim(`${total - found.length} more: ${found.length < 100 ? '--limit, or ' : ''}GET /v1/recommendations`)]
      : []
  return [
    heading(`Recommendations: ${total}${sums === '' ? '' : `, which save ${sums} a month`}`),
    ...(most === '' ? [] : [style.dim(`Some of them save ${most} a month at most, which is not in the sum.`)]),
    table(
      columns,
      found.map((one) => rowOf(one, isScheduled)),
    ),
    ...summary.categories.map(({ category, count: own, savings: sum }) =>
      style.dim(
        `${category}: ${own}${sum.map(({ monthlyExact, currency }) => `, ${rounded(monthlyExact)} ${currency}`).join('')}`,
      ),
    ),
    ...left,
    ...others,
    style.dim(judged),
    ...(isJudged ? [style.dim('npm start -- apply ID plans a change, which another person approves.')] : []),
  ].join('\n')
}

const sumsText = (sums: Answer['summary']['savings']) =>
  sums.map(({ monthlyExact, currency }) => `${rounded(monthlyExact)} ${currency}`).join(' and ')

const mostChars = 60
const amountOf = (exact: string | null, currency: string | null, isAtMost = false) =>
  exact === null ? 'not known' : `${isAtMost ? 'at most ' : ''}${rounded(exact)} ${currency ?? ''}`

function rowOf(one: Recommendation, isScheduled: boolean): string[] {
  const { estimatedSavingsMonthlyExact, savingsAreAtMost, currency, title, affectedResources, actions, missing, id } =
    one
  const [resource] = affectedResources
  const name =
    resource === undefined ? '' : Recommendations.nameOf({ id: resource.id, name: resource.name ?? undefined })
  if (missing.length > 0)
    return [
      amountOf(resource?.currentCost?.toString() ?? null, resource?.currency ?? null),
      name,
      clipped(missing.join('; '), mostChars),
      id,
    ]
  return [
    amountOf(estimatedSavingsMonthlyExact, currency, savingsAreAtMost),
    name,
    clipped(title.slice(0, title.length - name.length - ': '.length), mostChars),
    actions.map(({ parameters: { from, to } }) => `${from} -> ${to}`).join(', '),
    one.confidence?.level ?? '',
    one.riskLevel ?? '',
    one.rollbackPossible === true ? 'yes' : 'no',
    ...(isScheduled ? [one.executionId ?? '-'] : []),
    id,
  ]
}
