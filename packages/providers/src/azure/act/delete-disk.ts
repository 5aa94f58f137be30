import type { ActionMemory, ActionPlan, Json, TagsByKey } from '@cloudoptima/core'
import { type Arm, isSame, spelled } from './arm.ts'
import {
  type Attachment,
  attachmentOf,
  type Disk,
  diskAt,
  diskType,
  hasOwnPerformance,
  isMachine,
  snapshotAt,
  snapshotType,
} from './disk.ts'
import { isBusy, isProtected, machineAt, powerOf, protectedBy } from './machine.ts'
import type { Next, Recipe } from './step.ts'

const orderTag = 'cloudoptima:order'
const mostTags = 50

/** All that a restored disk gets again, and where it was attached. */
type State = {
  name: string
  uniqueId: string
  location: string
  zones: readonly string[]
  tags: TagsByKey
  sku: string
  /** As the API takes it, without `creationData` and `tags`. */
  properties: { readonly [field: string]: Json }
  creation: { readonly [field: string]: Json }
  diskState: string
  maxShares: number
  securityType: string | null
  managedBy: string | null
  attachment: Attachment | null
}

type Fields = Record<string, Json | undefined>

/** Without the fields that have no value. */
function given(fields: Fields): { readonly [field: string]: Json } {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, Json] => entry[1] !== undefined))
}

async function stateOf(arm: Arm, disk: Disk): Promise<State> {
  const { properties, sku = { name: 'Standard_LRS' } } = disk
  const { encryption, creationData = {} } = properties
  return {
    name: disk.name,
    uniqueId: properties.uniqueId ?? '',
    location: disk.location,
    zones: disk.zones ?? [],
    tags: disk.tags ?? {},
    sku: sku.name,
    properties: given({
      diskSizeGB: properties.diskSizeGB,
      ...(hasOwnPerformance(sku.name) && {
        diskIOPSReadWrite: properties.diskIOPSReadWrite,
        diskMBpsReadWrite: properties.diskMBpsReadWrite,
      }),
      tier: properties.tier,
      burstingEnabled: properties.burstingEnabled,
      networkAccessPolicy: properties.networkAccessPolicy,
      publicNetworkAccess: properties.publicNetworkAccess,
      diskAccessId: properties.diskAccessId,
      encryption: encryption && given({ type: encryption.type, diskEncryptionSetId: encryption.diskEncryptionSetId }),
    }),
    creation: given({
      logicalSectorSize: creationData.logicalSectorSize,
      performancePlus: creationData.performancePlus,
    }),
    diskState: properties.diskState ?? '',
    maxShares: properties.maxShares ?? 1,
    securityType: properties.securityProfile?.securityType ?? null,
    managedBy: disk.managedBy || null,
    attachment: await attachmentOf(arm, disk),
  }
}

async function planOf(arm: Arm, before: State): Promise<ActionPlan> {
  const refusal = await reasonAgainst(arm, before)
  if (refusal !== undefined) return { refusal }
  const notes = ['The snapshot costs as long as it exists. An undo deletes it when the disk is back.']
  if (before.managedBy) notes.push('The disk is detached from its deallocated instance.')
  return { after: null, undo: 'partial', lost: ['the unique id of the disk'], losesData: null, notes }
}

async function reasonAgainst(arm: Arm, before: State): Promise<string | undefined> {
  const { managedBy, attachment, diskState, securityType, tags } = before
  if (isProtected({ tags })) return protectedBy
  if (before.maxShares > 1)
    return 'The disk is shared by several instances. Detach it from all, and stop sharing it first.'
  if (/^Active|^Frozen|Upload/.test(diskState))
    return 'The disk is being exported or uploaded. Revoke its access first.'
  if (securityType?.startsWith('Confidential'))
    return 'The disk is encrypted for a confidential instance, and a snapshot cannot restore it. Delete it in Azure.'
  if (!managedBy) return undefined
  if (!isMachine(managedBy) || !attachment) return 'Another service manages the disk. Delete it there.'
  if (attachment.lun < 0) return 'It is the system disk of its instance. Delete the instance if neither is needed.'
  const machine = await machineAt(arm, managedBy)
  if (machine && powerOf(machine) === 'deallocated') return undefined
  return 'The disk is attached to an instance that is not deallocated. Deallocate the instance, or detach the disk first.'
}

/** In the group of the disk, by a name that the token decides: the same at each repetition. */
function backupPath(diskPath: string, token: string): string {
  return diskPath.replace(/\/disks\/[^/]+$/i, `/snapshots/cloudoptima-${token}`)
}

interface Given {
  target: { id: string }
  before: State
  token: string
}

async function act(arm: Arm, { target: { id }, before, token }: Given): Promise<Next> {
  const path = backupPath(id, token)
  const [disk, backup] = [await diskAt(arm, id), await snapshotAt(arm, path)]
  const memory: ActionMemory = { kept: [path] }
  if (!disk) {
    if (backup) return { done: memory }
    return { refuse: 'Somebody else has deleted the disk, and there is no snapshot of it.' }
  }
  if (disk.properties.uniqueId !== before.uniqueId)
    return { refuse: 'Another disk has taken the name of the disk. Plan the action again.' }
  if (isBusy(disk)) return { wait: 'Azure is changing the disk.' }
  if (!backup) return { ...backUp(disk, path, token), memory }
  const { provisioningState, creationData, completionPercent = 100 } = backup.properties
  if (/^(Failed|Canceled)$/.test(provisioningState ?? ''))
    return { refuse: 'Azure could not make the snapshot. See the activity log of Azure.' }
  if (isBusy(backup)) return { wait: 'Azure is making the snapshot.' }
  if (completionPercent < 100) return { wait: `The snapshot is at ${completionPercent} %.` }
  if (creationData?.sourceUniqueId !== before.uniqueId)
    return { refuse: 'The snapshot is of another disk. Plan the action again.' }
  if (disk.managedBy) return await detach(arm, disk.managedBy, disk)
  const api = 'Microsoft.Compute/disks/delete'
  return { change: { api, method: 'DELETE', type: diskType, path: id }, says: 'Azure is asked to delete the disk.' }
}

function backUp(disk: Disk, path: string, token: string): Extract<Next, { change: unknown }> {
  const body = {
    location: disk.location,
    sku: { name: 'Standard_LRS' },
    tags: { ...Object.fromEntries(Object.entries(disk.tags ?? {}).slice(0, mostTags - 1)), [orderTag]: token },
    properties: {
      incremental: true,
      creationData: { createOption: 'Copy', sourceResourceId: disk.id },
      // Nobody needs to download it, and the disk itself may be closed.
      networkAccessPolicy: 'DenyAll',
      publicNetworkAccess: 'Disabled',
    },
  }
  const api = 'Microsoft.Compute/snapshots/write'
  return { change: { api, method: 'PUT', type: snapshotType, path, body }, says: 'Azure is asked for a snapshot.' }
}

const machineType = 'Microsoft.Compute/virtualMachines'

/** The change of the disks of a machine; https://learn.microsoft.com/rest/api/compute/virtual-machines/attach-detach-data-disks */
function attachDetach(machinePath: string, body: object, says: string): Next {
  const path = `${machinePath}/attachDetachDataDisks`
  const api = `${machineType}/attachDetachDataDisks/action` as const
  return { change: { api, method: 'POST', type: machineType, path, body }, says }
}

async function detach(arm: Arm, machinePath: string, { id }: Disk): Promise<Next> {
  const machine = await machineAt(arm, machinePath)
  if (machine && isBusy(machine)) return { wait: 'Azure is changing the instance of the disk.' }
  if (!machine || powerOf(machine) !== 'deallocated')
    return { refuse: 'The instance of the disk is not deallocated any more. Plan the action again.' }
  return attachDetach(machinePath, { dataDisksToDetach: [{ diskId: id }] }, 'Azure is asked to detach the disk.')
}

async function undo(arm: Arm, { target: { id }, before, token }: Given): Promise<Next> {
  const path = backupPath(id, token)
  const [disk, backup] = [await diskAt(arm, id), await snapshotAt(arm, path)]
  if (!disk)
    return backup
      ? restore(spelled(id, before.name), path, before)
      : { refuse: 'The snapshot of the disk does not exist any more.' }
  const isOurs = isSame(disk.properties.creationData?.sourceResourceId, path)
  if (disk.properties.uniqueId !== before.uniqueId && !isOurs)
    return { refuse: 'Another disk has the name of the disk. Restore the snapshot under another name.' }
  if (isBusy(disk)) return { wait: 'Azure is changing the disk.' }
  const { completionPercent = 100 } = disk.properties
  if (completionPercent < 100) return { wait: `The disk is restored to ${completionPercent} %.` }
  if (before.managedBy && before.attachment && !disk.managedBy)
    return await attach(arm, before.managedBy, id, before.attachment)
  if (backup?.tags?.[orderTag] !== token) return { done: {} }
  if (isBusy(backup)) return { wait: 'Azure is changing the snapshot.' }
  const api = 'Microsoft.Compute/snapshots/delete'
  return { change: { api, method: 'DELETE', type: snapshotType, path }, says: 'Azure is asked to delete the snapshot.' }
}

function restore(path: string, sourceResourceId: string, before: State): Next {
  const { location, zones, tags, sku, properties, creation } = before
  const body = {
    location,
    ...(zones.length > 0 && { zones }),
    tags,
    sku: { name: sku },
    properties: { ...properties, creationData: { createOption: 'Copy', sourceResourceId, ...creation } },
  }
  const api = 'Microsoft.Compute/disks/write'
  return { change: { api, method: 'PUT', type: diskType, path, body }, says: 'Azure is asked to restore the disk.' }
}

async function attach(arm: Arm, machinePath: string, diskId: string, place: Attachment): Promise<Next> {
  const machine = await machineAt(arm, machinePath)
  if (!machine)
    return { refuse: 'The instance of the disk does not exist any more. The disk is restored, not attached.' }
  if (isBusy(machine)) return { wait: 'Azure is changing the instance of the disk.' }
  const { lun, caching, deleteOption, writeAcceleratorEnabled } = place
  if (machine.properties.storageProfile?.dataDisks?.some((each) => each.lun === lun))
    return { refuse: `Another disk has its place (LUN ${lun}) in the instance. Attach the restored disk by hand.` }
  const disk = { diskId, lun, ...given({ caching: caching ?? undefined, deleteOption: deleteOption ?? undefined }) }
  const body = { dataDisksToAttach: [{ ...disk, ...(writeAcceleratorEnabled && { writeAcceleratorEnabled }) }] }
  return attachDetach(machinePath, body, 'Azure is asked to attach the disk.')
}

/** https://learn.microsoft.com/azure/virtual-machines/disks-incremental-snapshots */
export const deleteVolume: Recipe<State> = {
  type: diskType,
  async read(arm, { id }) {
    const disk = await diskAt(arm, id)
    return disk && (await stateOf(arm, disk))
  },
  plan: async (arm, { before }) => await planOf(arm, before),
  act,
  undo,
}
