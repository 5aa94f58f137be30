import { rows } from './collect/inventory-table.ts'

/** https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations */
const needed = {
  'Microsoft.Authorization/permissions/read': 'checking permissions',
  'Microsoft.Resources/subscriptions/read': 'showing the subscription by its name',
  'Microsoft.CostManagement/query/action': 'reading costs without an export',
  'Microsoft.CostManagement/exports/read': 'finding the cost exports and their containers',
  'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read': 'reading the files of the cost export',
  'Microsoft.Compute/virtualMachines/read': 'finding idle and oversized virtual machines',
  'Microsoft.Compute/disks/read': 'finding unused disks',
  'Microsoft.Compute/snapshots/read': 'finding unused snapshots',
  'Microsoft.Network/publicIPAddresses/read': 'finding unused addresses',
  'Microsoft.Insights/metrics/read': 'measuring how busy resources are',
} satisfies Record<string, string>

/** Their purposes; an account without those of the inventory is accepted. */
export const azurePermissions: Record<string, string> = {
  ...needed,
  ...Object.fromEntries(rows.map(({ type }) => [`${type}/read`, 'finding unused and oversized resources'])),
  ...needed,
}

export const isNeeded = (permission: string) => permission in needed

export type AzurePermission = keyof typeof needed

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

/** `notActions` restrict only their own role. */
export function missingIn(grants: readonly RoleGrant[]): string[] {
  const isGranted = (permission: string) =>
    grants.some(({ actions, notActions }) => coveredBy(permission, actions) && !coveredBy(permission, notActions))
  return Object.keys(azurePermissions).filter((permission) => permission !== readBlobs && !isGranted(permission))
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
