import { TagLimits, TagPlan, type TagsByKey } from '@cloudoptima/core'
import type { Arm } from './arm.ts'

/** A virtual machine: https://learn.microsoft.com/rest/api/compute/virtual-machines/get */
export interface Machine {
  etag?: string
  location: string
  tags?: TagsByKey | null
  properties: {
    provisioningState?: string
    priority?: string
    licenseType?: string | null
    hardwareProfile?: { vmSize?: string }
    storageProfile?: {
      imageReference?: { publisher?: string } | null
      osDisk?: ManagedDisk & { osType?: string; diffDiskSettings?: { option?: string } | null }
      dataDisks?: AttachedDisk[]
    }
    virtualMachineScaleSet?: { id: string } | null
    availabilitySet?: { id: string } | null
    instanceView?: { statuses?: { code?: string }[] }
  }
}

interface ManagedDisk {
  managedDisk?: { id?: string; storageAccountType?: string } | null
}

export interface AttachedDisk extends ManagedDisk {
  lun: number
  caching?: string
  deleteOption?: string
  writeAcceleratorEnabled?: boolean
}

export async function machineAt(arm: Arm, path: string): Promise<Machine | undefined> {
  const type = 'Microsoft.Compute/virtualMachines'
  return await arm.read<Machine>('Microsoft.Compute/virtualMachines/read', type, path, '&$expand=instanceView')
}

/** `stopped`: not deallocated, so that it costs as if it ran. https://learn.microsoft.com/azure/virtual-machines/states-billing */
export type Power = 'running' | 'stopped' | 'deallocated' | 'changing'

export function powerOf({ properties: { instanceView } }: Machine): Power {
  const codes = (instanceView?.statuses ?? []).map(({ code = '' }) => code)
  const power = codes.find((code) => code.startsWith('PowerState/'))?.slice('PowerState/'.length)
  return power === 'running' || power === 'stopped' || power === 'deallocated' ? power : 'changing'
}

/** Whether Azure is at work on a resource. */
export function isBusy({ properties: { provisioningState = 'Succeeded' } }: { properties: Provisioned }): boolean {
  return !/^(Succeeded|Failed|Canceled)$/i.test(provisioningState)
}

interface Provisioned {
  provisioningState?: string | undefined
}

/** Whether it has a tag that keeps the product away. */
export function isProtected({ tags }: { tags?: TagsByKey | null }): boolean {
  return TagLimits.isProtected('azure', tags ?? {})
}

export const { protectedBy } = TagPlan

/** Why a machine must not be interrupted. */
export function keptFrom({ properties }: Machine): string | undefined {
  const { virtualMachineScaleSet, priority, storageProfile } = properties
  if (virtualMachineScaleSet) return 'The instance belongs to a scale set. Change the size of the scale set instead.'
  if (priority === 'Spot')
    return 'It is a Spot instance, which Azure may not start again. Stop it in Azure if it is not needed.'
  if (storageProfile?.osDisk?.diffDiskSettings?.option === 'Local')
    return 'Its system disk is ephemeral, so it cannot be deallocated. Delete the instance if it is not needed.'
  return undefined
}
