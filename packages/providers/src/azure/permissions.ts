import type { Permission } from '../access/verdict.ts'

/** Everything that is read in a customer's subscription. Operations: https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations */
export const azurePermissions = [
  { permission: 'Microsoft.Authorization/permissions/read', neededFor: 'checking which permissions there are' },
  { permission: 'Microsoft.Resources/subscriptions/read', neededFor: 'showing the subscription by its name' },
  { permission: 'Microsoft.CostManagement/query/action', neededFor: 'reading costs where no export delivers them' },
  {
    permission: 'Microsoft.CostManagement/exports/read',
    neededFor: 'finding the cost exports and where they are delivered to',
  },
  {
    permission: 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read',
    neededFor: 'reading the files of the cost export',
  },
  { permission: 'Microsoft.Compute/virtualMachines/read', neededFor: 'finding idle and oversized virtual machines' },
  { permission: 'Microsoft.Compute/disks/read', neededFor: 'finding disks that no machine uses' },
  { permission: 'Microsoft.Compute/snapshots/read', neededFor: 'finding snapshots that nothing needs' },
  { permission: 'Microsoft.Network/publicIPAddresses/read', neededFor: 'finding addresses that nothing uses' },
  { permission: 'Microsoft.Insights/metrics/read', neededFor: 'measuring how busy resources are' },
] as const satisfies readonly Permission[]

/** A permission of the read list. */
export type AzurePermission = (typeof azurePermissions)[number]['permission']

/** What one role assignment grants, as Azure lists it: https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource */
export interface RoleGrant {
  actions?: readonly string[]
  notActions?: readonly string[]
  dataActions?: readonly string[]
  notDataActions?: readonly string[]
}

/** The one permission about data rather than resources: it is asked where an export is delivered. */
export const readBlobs =
  'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read' satisfies AzurePermission

/** The permissions on a subscription that no role assignment grants. Exceptions (`notActions`) bind only the role that they stand in. */
export function lackingIn(grants: readonly RoleGrant[]): AzurePermission[] {
  const isGranted = (permission: string) =>
    grants.some(({ actions, notActions }) => coveredBy(permission, actions) && !coveredBy(permission, notActions))
  return azurePermissions
    .map(({ permission }) => permission)
    .filter((permission) => permission !== readBlobs && !isGranted(permission))
}

/** Whether role assignments on a container let its blobs be read. */
export function canReadBlobs(grants: readonly RoleGrant[]): boolean {
  return grants.some(
    ({ dataActions, notDataActions }) => coveredBy(readBlobs, dataActions) && !coveredBy(readBlobs, notDataActions),
  )
}

/** Whether one of Azure's patterns (`Microsoft.Compute/disks/*`) covers an operation; case does not count. */
function coveredBy(operation: string, patterns: readonly string[] = []): boolean {
  return patterns.some((pattern) => {
    const parts = pattern.split('*').map((part) => part.replaceAll(/[\\^$.+?()[\]{}|]/g, String.raw`\$&`))
    return new RegExp(`^${parts.join('.*')}$`, 'i').test(operation)
  })
}
