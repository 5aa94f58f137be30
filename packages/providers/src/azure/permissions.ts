import type { Permission } from '../access/verdict.ts'

/** https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations */
export const azurePermissions = [
  { permission: 'Microsoft.Authorization/permissions/read', neededFor: 'checking permissions' },
  { permission: 'Microsoft.Resources/subscriptions/read', neededFor: 'showing the subscription by its name' },
  { permission: 'Microsoft.CostManagement/query/action', neededFor: 'reading costs without an export' },
  {
    permission: 'Microsoft.CostManagement/exports/read',
    neededFor: 'finding the cost exports and their containers',
  },
  {
    permission: 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read',
    neededFor: 'reading the files of the cost export',
  },
  { permission: 'Microsoft.Compute/virtualMachines/read', neededFor: 'finding idle and oversized virtual machines' },
  { permission: 'Microsoft.Compute/disks/read', neededFor: 'finding unused disks' },
  { permission: 'Microsoft.Compute/snapshots/read', neededFor: 'finding unused snapshots' },
  { permission: 'Microsoft.Network/publicIPAddresses/read', neededFor: 'finding unused addresses' },
  { permission: 'Microsoft.Insights/metrics/read', neededFor: 'measuring how busy resources are' },
] as const satisfies readonly Permission[]

export type AzurePermission = (typeof azurePermissions)[number]['permission']

/** One role assignment: https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource */
export interface RoleGrant {
  actions?: readonly string[]
  notActions?: readonly string[]
  dataActions?: readonly string[]
  notDataActions?: readonly string[]
}

/** The only data permission, checked on the container of an export. */
export const readBlobs =
  'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read' satisfies AzurePermission

/** The permissions that no role assignment grants; `notActions` restrict only their own role. */
export function missingIn(grants: readonly RoleGrant[]): AzurePermission[] {
  const isGranted = (permission: string) =>
    grants.some(({ actions, notActions }) => coveredBy(permission, actions) && !coveredBy(permission, notActions))
  return azurePermissions
    .map(({ permission }) => permission)
    .filter((permission) => permission !== readBlobs && !isGranted(permission))
}

export function canReadBlobs(grants: readonly RoleGrant[]): boolean {
  return grants.some(
    ({ dataActions, notDataActions }) => coveredBy(readBlobs, dataActions) && !coveredBy(readBlobs, notDataActions),
  )
}

/** Whether a pattern of Azure (`Microsoft.Compute/disks/*`) matches an operation, in any case. */
function coveredBy(operation: string, patterns: readonly string[] = []): boolean {
  return patterns.some((pattern) => {
    const parts = pattern.split('*').map((part) => part.replaceAll(/[\\^$.+?()[\]{}|]/g, String.raw`\$&`))
    return new RegExp(`^${parts.join('.*')}$`, 'i').test(operation)
  })
}
