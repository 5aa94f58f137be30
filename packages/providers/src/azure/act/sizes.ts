import { isFault, Rules } from '@cloudoptima/core'
import { type Arm, isSame } from './arm.ts'
import type { Machine } from './machine.ts'

const type = 'Microsoft.Compute/virtualMachines'

/** https://learn.microsoft.com/rest/api/compute/virtual-machines/list-available-sizes */
export interface Size {
  name: string
  resourceDiskSizeInMB: number
  maxDataDiskCount: number
}

interface Sizes {
  value: Size[]
}

/** Those that the machine can take on the host where it is. */
export async function sizesOnHost(arm: Arm, path: string): Promise<Size[]> {
  const api = 'Microsoft.Compute/virtualMachines/vmSizes/read'
  return (await arm.read<Sizes>(api, type, `${path}/vmSizes`))?.value ?? []
}

/** Those of its region. */
export async function sizesOf(arm: Arm, path: string, { location }: Machine): Promise<Size[]> {
  const [, , subscription = ''] = path.split('/')
  const region = `/subscriptions/${subscription}/providers/Microsoft.Compute/locations/${location}/vmSizes`
  return (await arm.read<Sizes>('Microsoft.Compute/locations/vmSizes/read', type, region))?.value ?? []
}

/** Undefined: Azure does not tell, or the role may not ask. */
export async function sizeNamed(arm: Arm, path: string, machine: Machine): Promise<Size | undefined> {
  try {
    const sizes = await sizesOf(arm, path, machine)
    return sizes.find(({ name }) => isSame(name, machine.properties.hardwareProfile?.vmSize))
  } catch (error) {
    if (isFault(error, 'forbidden')) return undefined
    throw error
  }
}

/**
 * The letters of a size: `p` is ARM, `s` takes premium disks.
 * https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions
 */
export function featuresOf(size: string): { isArm: boolean; isPremium: boolean } {
  const [, family = '', letters = ''] = /^[A-Za-z]+_([A-Z]+)\d+(?:-\d+)?([a-z]*)/.exec(size) ?? []
  return {
    isArm: letters.includes('p'),
    isPremium: letters.includes('s') || /^(D|G)S$/.test(family),
  }
}

export const localDisk = 'the data on the temporary disk'

/**
 * The data that a machine of this size loses when it leaves its host, in a sentence. `resourceDiskSizeInMB` does not
 * count local NVMe disks, which the name of the size tells.
 * https://learn.microsoft.com/azure/virtual-machines/managed-disks-overview#temporary-disk
 */
export function localDiskLoss(name: string, size: Size | undefined): string | null {
  if (!size) return `Azure does not tell whether ${name} has a temporary disk: its data is lost.`
  const hasDisk = size.resourceDiskSizeInMB > 0 || Rules.hasLocalDisk('azure', size.name)
  return hasDisk ? 'The data on its temporary disk and on its local NVMe disks is lost.' : null
}
