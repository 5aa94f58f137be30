import type { ActionName } from '@cloudoptima/core'

const snapshotting = [
  'compute.disks.createSnapshot',
  'compute.snapshots.create',
  'compute.snapshots.setLabels',
] as const
const inserting = [
  'compute.disks.create',
  'compute.disks.setLabels',
  'compute.snapshots.useReadOnly',
  'compute.resourcePolicies.use',
] as const

/**
 * The calls of actions, and the permissions that each needs: https://cloud.google.com/compute/docs/reference/rest/v1 and
 * https://cloud.google.com/sql/docs/mysql/iam-permissions
 */
export const gcpActPermissions = {
  'compute.instances.get': ['compute.instances.get'],
  'compute.instances.stop': ['compute.instances.stop'],
  'compute.instances.start': ['compute.instances.start'],
  'compute.instances.setMachineType': ['compute.instances.setMachineType'],
  'compute.instances.detachDisk': ['compute.instances.detachDisk'],
  'compute.instances.attachDisk': ['compute.instances.attachDisk', 'compute.disks.use'],
  'compute.machineTypes.get': ['compute.machineTypes.get'],
  'compute.disks.get': ['compute.disks.get'],
  'compute.disks.createSnapshot': snapshotting,
  'compute.disks.delete': ['compute.disks.delete'],
  'compute.disks.insert': inserting,
  'compute.regionDisks.get': ['compute.disks.get'],
  'compute.regionDisks.createSnapshot': snapshotting,
  'compute.regionDisks.delete': ['compute.disks.delete'],
  'compute.regionDisks.insert': inserting,
  'compute.snapshots.get': ['compute.snapshots.get'],
  'compute.snapshots.delete': ['compute.snapshots.delete'],
  'compute.images.get': ['compute.images.get'],
  'compute.images.delete': ['compute.images.delete'],
  'compute.instanceTemplates.list': ['compute.instanceTemplates.list'],
  'compute.addresses.get': ['compute.addresses.get'],
  'compute.addresses.delete': ['compute.addresses.delete'],
  'compute.addresses.insert': ['compute.addresses.create'],
  'compute.addresses.setLabels': ['compute.addresses.setLabels'],
  'compute.globalAddresses.get': ['compute.globalAddresses.get'],
  'compute.globalAddresses.delete': ['compute.globalAddresses.delete'],
  'compute.globalAddresses.insert': ['compute.globalAddresses.create'],
  'compute.globalAddresses.setLabels': ['compute.globalAddresses.setLabels'],
  'compute.zoneOperations.list': ['compute.zoneOperations.list'],
  'compute.regionOperations.list': ['compute.regionOperations.list'],
  'compute.globalOperations.list': ['compute.globalOperations.list'],
  'cloudsql.instances.get': ['cloudsql.instances.get'],
  'cloudsql.instances.patch': ['cloudsql.instances.update'],
  'cloudsql.operations.list': ['cloudsql.instances.get'],
} satisfies Record<string, readonly string[]>

/** A call of an action, by Google's name. */
export type ActApi = keyof typeof gcpActPermissions

const power: readonly ActApi[] = [
  'compute.instances.get',
  'compute.instances.start',
  'compute.instances.stop',
  'compute.zoneOperations.list',
]
const setting: readonly ActApi[] = ['cloudsql.instances.get', 'cloudsql.instances.patch', 'cloudsql.operations.list']

/** The calls of each action and of its undo. The labels of `set-tags` have a page of their own. */
export const gcpActionCalls = {
  'stop-instance': power,
  'start-instance': power,
  'resize-instance': [...power, 'compute.instances.setMachineType', 'compute.machineTypes.get'],
  'delete-volume': [
    'compute.disks.get',
    'compute.disks.createSnapshot',
    'compute.disks.delete',
    'compute.disks.insert',
    'compute.regionDisks.get',
    'compute.regionDisks.createSnapshot',
    'compute.regionDisks.delete',
    'compute.regionDisks.insert',
    'compute.instances.get',
    'compute.instances.detachDisk',
    'compute.instances.attachDisk',
    'compute.snapshots.get',
    'compute.snapshots.delete',
    'compute.zoneOperations.list',
    'compute.regionOperations.list',
  ],
  'delete-snapshot': ['compute.snapshots.get', 'compute.snapshots.delete', 'compute.globalOperations.list'],
  'deregister-image': [
    'compute.images.get',
    'compute.images.delete',
    'compute.instanceTemplates.list',
    'compute.globalOperations.list',
  ],
  'release-address': [
    'compute.addresses.get',
    'compute.addresses.delete',
    'compute.addresses.insert',
    'compute.addresses.setLabels',
    'compute.globalAddresses.get',
    'compute.globalAddresses.delete',
    'compute.globalAddresses.insert',
    'compute.globalAddresses.setLabels',
    'compute.regionOperations.list',
    'compute.globalOperations.list',
  ],
  'stop-database': setting,
  'start-database': setting,
  'resize-database': setting,
} satisfies Partial<Record<ActionName, readonly ActApi[]>>
