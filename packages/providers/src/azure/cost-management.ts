const at = (subscriptionId: string, what: string) =>
  `/subscriptions/${subscriptionId}/providers/Microsoft.CostManagement/${what}?api-version=2025-03-01`

/** https://learn.microsoft.com/rest/api/cost-management/query/usage */
export const queryUrl = (subscriptionId: string) => at(subscriptionId, 'query')

/** https://learn.microsoft.com/rest/api/cost-management/exports/list */
export const exportsUrl = (subscriptionId: string) => at(subscriptionId, 'exports')
