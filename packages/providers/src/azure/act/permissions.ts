import type { ActionName } from '@cloudoptima/core'

const machine = [
  'Microsoft.Compute/virtualMachines/read',
  'Microsoft.Compute/virtualMachines/instanceView/read',
  'Microsoft.Compute/locations/operations/read',
] as const
const power = [
  ...machine,
  'Microsoft.Compute/virtualMachines/deallocate/action',
  'Microsoft.Compute/virtualMachines/start/action',
] as const
const disk = ['Microsoft.Compute/disks/read', 'Microsoft.Compute/disks/write'] as const
const diskOperation = 'Microsoft.Compute/locations/diskOperations/read'
const snapshot = ['Microsoft.Compute/snapshots/read', 'Microsoft.Compute/snapshots/delete'] as const

/**
 * The permissions of each action and of its undo: https://learn.microsoft.com/azure/role-based-access-control/permissions/compute
 * Roles know no tags of resources: what protects a resource with the tag `cloudoptima:protected` is the plan.
 */
export const azureActionPermissions = {
  'stop-instance': [...power, 'Microsoft.Compute/locations/vmSizes/read'],
  'start-instance': [...power, 'Microsoft.Compute/virtualMachines/powerOff/action'],
  'resize-instance': [
    ...power,
    'Microsoft.Compute/virtualMachines/write',
    'Microsoft.Compute/virtualMachines/vmSizes/read',
    'Microsoft.Compute/locations/vmSizes/read',
  ],
  'delete-volume': [
    ...disk,
    'Microsoft.Compute/disks/delete',
    // Of the source of a copy, disk or snapshot: https://github.com/Azure/OpenShift/issues/186
    'Microsoft.Compute/disks/beginGetAccess/action',
    ...snapshot,
    'Microsoft.Compute/snapshots/write',
    diskOperation,
    ...machine,
    'Microsoft.Compute/virtualMachines/attachDetachDataDisks/action',
  ],
  'change-volume': [...disk, diskOperation],
  'delete-snapshot': [...snapshot, diskOperation],
  'release-address': [
    'Microsoft.Network/publicIPAddresses/read',
    'Microsoft.Network/publicIPAddresses/write',
    'Microsoft.Network/publicIPAddresses/delete',
    'Microsoft.Network/locations/operations/read',
  ],
  'scale-plan': [
    'Microsoft.Web/serverfarms/read',
    'Microsoft.Web/serverfarms/write',
    'Microsoft.Insights/autoscaleSettings/read',
  ],
  'enable-hybrid-benefit': [...machine, 'Microsoft.Compute/virtualMachines/write'],
  'set-tags': ['Microsoft.Resources/tags/read', 'Microsoft.Resources/tags/write'],
} as const satisfies Partial<Record<ActionName, readonly string[]>>

/** Of a call of an action. */
export type ActPermission = (typeof azureActionPermissions)[keyof typeof azureActionPermissions][number]
