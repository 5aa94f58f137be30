import type { CostManagementClient, Export } from '@azure/arm-costmanagement'
import { unavailable } from '../access/verdict.ts'

/** `unknown` if Azure throttled the call: a tenant has 12 queries per 10 s. */
export type Tried = 'allowed' | 'denied' | 'unknown'

/** `containers`: resource paths. */
export interface Exports {
  tried: Tried
  containers: string[]
}

/** Roles alone do not decide, because the agreement may hide charges. */
export async function tryQuery(client: CostManagementClient, subscriptionId: string): Promise<Tried> {
  const aggregation = { cost: { name: 'Cost', function: 'Sum' } }
  const { tried } = await attempt('cost query', () =>
    client.query.usage(`subscriptions/${subscriptionId}`, {
      type: 'ActualCost',
      timeframe: 'MonthToDate',
      dataset: { granularity: 'None', aggregation },
    }),
  )
  return tried
}

export async function listExports(client: CostManagementClient, subscriptionId: string): Promise<Exports> {
  const { tried, answer } = await attempt('list of exports', () =>
    client.exports.list(`subscriptions/${subscriptionId}`),
  )
  return { tried, containers: (answer?.value ?? []).flatMap(containerOf) }
}

/** The id comes from the customer's export and becomes a path, so ids of another form are dropped. */
function containerOf({ deliveryInfo }: Export): string[] {
  const { resourceId = '', container = '' } = deliveryInfo?.destination ?? {}
  const isAccount =
    /^\/subscriptions\/[\da-f-]{36}\/resourceGroups\/[\w().-]*[\w()-]\/providers\/Microsoft\.Storage\/storageAccounts\/[a-z\d]{3,24}$/i.test(
      resourceId,
    )
  return isAccount && /^[a-z\d](?:-?[a-z\d]){2,62}$/.test(container)
    ? [`${resourceId}/blobServices/default/containers/${container}`]
    : []
}

async function attempt<Answer>(what: string, call: () => Promise<Answer>): Promise<{ tried: Tried; answer?: Answer }> {
  try {
    return { tried: 'allowed', answer: await call() }
  } catch (error) {
    // The SDK's error contains the request with its token. Only status and code may be used.
    const { statusCode: status, code } = error as { statusCode?: number; code?: string }
    if (status === 429) return { tried: 'unknown' }
    if (status === undefined || status >= 500)
      throw unavailable('Azure', status === undefined ? what : `${what}: ${status}`)
    // Costs that the agreement hides come as 400:
    // https://learn.microsoft.com/azure/cost-management-billing/costs/assign-access-acm-data
    return { tried: status === 401 || status === 403 || code === 'AccountCostDisabled' ? 'denied' : 'allowed' }
  }
}
