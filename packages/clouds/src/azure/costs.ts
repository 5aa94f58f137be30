import { Day, type Fields, Money } from '@cloudoptima/sample'
import { guidOf } from './resource.ts'
import { nextLink, type Operation, type Operations, page } from './operation.ts'

const rowsPage = 1000
const dimensions = ['SubscriptionId', 'ServiceName', 'ResourceLocation']

/** Subscription, service and region of a charge. */
export const costKeys = ({ SubAccountId, ServiceName, RegionName }: Fields): string[] => [
  guidOf(SubAccountId),
  ServiceName ?? '',
  RegionName ?? '',
]

interface CostQuestion {
  type: string
  timePeriod?: { from: string; to: string }
  dataset: { granularity: string; grouping?: { name: string }[] }
}

/** https://learn.microsoft.com/rest/api/cost-management/query/usage, with exact amounts. */
const usage: Operation = ({ azure, subscription, request }) => {
  const { type, timePeriod, dataset }: CostQuestion = JSON.parse(request.body)
  const today = azure.now().toISOString()
  const { from, to } = timePeriod ?? { from: `${today.slice(0, 7)}-01`, to: today }
  const places = (dataset.grouping ?? []).map(({ name }) => dimensions.indexOf(name))
  const costs = new Map<string, bigint>()
  const known = new Set(azure.versions.months())
  for (let day = Day.parse(from.slice(0, 10)); day <= Day.parse(to.slice(0, 10)); day++) {
    const date = Day.format(day)
    const month = date.slice(0, 7)
    const sums = known.has(month) ? (azure.sums(azure.versions.of(month)).get(date) ?? []) : []
    for (const { keys, billed, effective } of sums) {
      if (keys[0] !== subscription.subscriptionId) continue
      const days = dataset.granularity === 'Daily' ? [Number(date.replaceAll('-', ''))] : []
      const row = JSON.stringify([...days, ...places.map((place) => keys[place]), azure.estate.currency]).slice(1, -1)
      costs.set(row, (costs.get(row) ?? 0n) + (type === 'AmortizedCost' ? effective : billed))
    }
  }
  const { items, next } = page([...costs], request.query.get('$skiptoken'), rowsPage)
  const names = [
    'Cost',
    ...(dataset.granularity === 'Daily' ? ['UsageDate'] : []),
    ...places.map((place) => dimensions[place]),
    'Currency',
  ]
  const head = JSON.stringify({ columns: names.map((name) => ({ name })), nextLink: nextLink(request, next) })
  const rows = items.map(([row, cost]) => `[${Money.format(cost, Money.costScale)},${row}]`)
  return {
    headers: { 'content-type': 'application/json' },
    body: `{"properties":${head.slice(0, -1)},"rows":[${rows.join()}]}}`,
  }
}

/** Of Cost Management. */
export const costs: Operations = {
  'Microsoft.CostManagement/query/action': [
    '/subscriptions/{subscription}/providers/Microsoft.CostManagement/query',
    usage,
  ],
}
