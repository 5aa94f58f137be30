import type { TagsByKey } from '@cloudoptima/core'
import { type Arm, isSame } from './arm.ts'
import { type AttachedDisk, machineAt } from './machine.ts'

export const diskType = 'Microsoft.Compute/disks'
export const snapshotType = 'Microsoft.Compute/snapshots'

/** A managed disk or a snapshot: https://learn.microsoft.com/rest/api/compute/disks/get */
export interface Disk {
  id: string
  name: string
  location: string
  zones?: string[] | null
  tags?: TagsByKey | null
  sku?: { name: string }
  managedBy?: string | null
  properties: {
    provisioningState?: string
    diskState?: string
    diskSizeGB?: number
    diskIOPSReadWrite?: number
    diskMBpsReadWrite?: number
    tier?: string
    uniqueId?: string
    maxShares?: number
    burstingEnabled?: boolean
    networkAccessPolicy?: string
    publicNetworkAccess?: string
    diskAccessId?: string
    encryption?: { type?: string; diskEncryptionSetId?: string }
    creationData?: {
      sourceResourceId?: string
      sourceUniqueId?: string
      logicalSectorSize?: number
      performancePlus?: boolean
    }
    securityProfile?: { securityType?: string }
    /** Of a copy that goes on in the background, in percent. */
    completionPercent?: number
  }
}

export const diskAt = async (arm: Arm, path: string) =>
  await arm.read<Disk>('Microsoft.Compute/disks/read', diskType, path)

export const snapshotAt = async (arm: Arm, path: string) =>
  await arm.read<Disk>('Microsoft.Compute/snapshots/read', snapshotType, path)

/** Those whose performance is set beside their size: https://learn.microsoft.com/azure/virtual-machines/disks-types */
export const hasOwnPerformance = (sku: string) => sku === 'PremiumV2_LRS' || sku === 'UltraSSD_LRS'

export const isMachine = (path: string) => /\/microsoft\.compute\/virtualmachines\/[^/]+$/i.test(path)

/** Where a disk is attached. `lun` -1: it is the system disk. */
// oxfmt-ignore
export type Attachment = {
  lun: number
  caching: string | null
  deleteOption: string | null
  writeAcceleratorEnabled: boolean
}

export async function attachmentOf(arm: Arm, { id, managedBy }: Disk): Promise<Attachment | null> {
  if (!managedBy || !isMachine(managedBy)) return null
  const machine = await machineAt(arm, managedBy)
  const isIt = ({ managedDisk }: Pick<AttachedDisk, 'managedDisk'>) => isSame(managedDisk?.id, id)
  const { dataDisks = [], osDisk } = machine?.properties.storageProfile ?? {}
  if (osDisk && isIt(osDisk)) return { lun: -1, caching: null, deleteOption: null, writeAcceleratorEnabled: false }
  const found = dataDisks.find(isIt)
  if (!found) return null
  const { lun, caching = null, deleteOption = null, writeAcceleratorEnabled = false } = found
  return { lun, caching, deleteOption, writeAcceleratorEnabled }
}
