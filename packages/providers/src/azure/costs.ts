import type { Answer } from '../access/ask.ts'
import { exportsUrl, queryUrl } from './cost-management.ts'
import { call, type ResourceManager } from './resource-manager.ts'

/** `unknown` if Azure throttled the call: a tenant has 12 queries per 10 s. */
export type Tried = 'allowed' | 'denied' | 'unknown'

/** `containers`: resource paths. */
export interface Exports {
  tried: Tried
  containers: string[]
}

/** Roles alone do not decide, because the agreement may hide charges. */
export async function tryQuery(manager: ResourceManager, subscriptionId: string): Promise<Tried> {
  const aggregation = { cost: { name: 'Cost', function: 'Sum' } }
  const dataset = { granularity: 'None', aggregation }
  return triedOf(
    await call(manager, queryUrl(subscriptionId), { type: 'ActualCost', timeframe: 'MonthToDate', dataset }),
  )
}

export async function listExports(manager: ResourceManager, subscriptionId: string): Promise<Exports> {
  const answer = await call(manager, exportsUrl(subscriptionId))
  const { value = [] } = (answer.status === 200 ? answer.body : {}) as { value?: Export[] }
  return { tried: triedOf(answer), containers: value.flatMap(containerOf) }
}

interface Export {
  properties?: { deliveryInfo?: { destination?: { resourceId?: string; container?: string } } }
}

/** The id comes from the customer's export and becomes a path, so ids of another form are dropped. */
function containerOf({ properties }: Export): string[] {
  const { resourceId = '', container = '' } = properties?.deliveryInfo?.destination ?? {}
  const isAccount =
    /^\/subscriptions\/[\da-f-]{36}\/resourceGroups\/[\w().-]*[\w()-]\/providers\/Microsoft\.Storage\/storageAccounts\/[a-z\d]{3,24}$/i.test(
      resourceId,
    )
  return isAccount && /^[a-z\d](?:-?[a-z\d]){2,62}$/.test(container)
    ? [`${resourceId}/blobServices/default/containers/${container}`]
    : []
}

function triedOf({ status, body }: Answer): Tried {
  if (status === 429) return 'unknown'
  const { error } = (body ?? {}) as { error?: { code?: string } }
  // Costs that the agreement hides come as 400:
  // https://learn.microsoft.com/azure/cost-management-billing/costs/assign-access-acm-data
  return status === 401 || status === 403 || error?.code === 'AccountCostDisabled' ? 'denied' : 'allowed'
}
