import { isDeepStrictEqual } from 'node:util'
import type { Arm } from './arm.ts'
import { type Disk, diskAt, diskType, hasOwnPerformance } from './disk.ts'
import { isBusy, isProtected, protectedBy } from './machine.ts'
import type { Next, Recipe } from './step.ts'

type State = {
  sku: string
  diskSizeGB: number
  /** Null where they follow from the size. */
  diskIOPSReadWrite: number | null
  diskMBpsReadWrite: number | null
  diskState: string
  /** The performance tier, if it is not the one of the size. */
  ownTier: string | null
  burstingEnabled: boolean
  protected: boolean
}

type Wanted = { type?: string; sizeGb?: number; iops?: number; throughputMb?: number }

function stateOf(disk: Disk): State {
  const { properties, sku = { name: 'Standard_LRS' } } = disk
  const isOwn = hasOwnPerformance(sku.name)
  const { tier = null, diskSizeGB = 0 } = properties
  return {
    sku: sku.name,
    diskSizeGB,
    diskIOPSReadWrite: isOwn ? (properties.diskIOPSReadWrite ?? null) : null,
    diskMBpsReadWrite: isOwn ? (properties.diskMBpsReadWrite ?? null) : null,
    diskState: properties.diskState ?? '',
    ownTier: tier === tierOf(sku.name, diskSizeGB) ? null : tier,
    burstingEnabled: properties.burstingEnabled ?? false,
    protected: isProtected(disk),
  }
}

/** By the largest size of each in GiB: https://learn.microsoft.com/azure/virtual-machines/disks-types#premium-ssds */
const tiers = { P1: 4, P2: 8, P3: 16, P4: 32, P6: 64, P10: 128, P15: 256, P20: 512, P30: 1024, P40: 2048, P50: 4096 }
const largeTiers = { P60: 8192, P70: 16_384, P80: 32_767 }

function tierOf(sku: string, sizeGb: number): string | null {
  if (!sku.startsWith('Premium_')) return null
  return Object.entries({ ...tiers, ...largeTiers }).find(([, most]) => sizeGb <= most)?.[0] ?? null
}

/** https://learn.microsoft.com/azure/virtual-machines/disks-convert-types */
const convertible = /^(Standard|StandardSSD|Premium)_(LRS|ZRS)$/

/** Why Azure, or the undo, could not make this change, and what to do. */
function reasonAgainst(before: State, after: State, { iops, throughputMb }: Wanted): string | undefined {
  if (before.protected) return protectedBy
  if (before.diskState !== 'Unattached' && before.diskState !== 'Reserved')
    return 'The disk is in use. Detach it, or deallocate its instance first.'
  if (after.diskSizeGB < before.diskSizeGB) return `A disk cannot become smaller than ${before.diskSizeGB} GiB.`
  if ((iops ?? throughputMb) !== undefined && !hasOwnPerformance(after.sku))
    return `The performance of ${after.sku} follows from its size. Choose a size, or leave the performance out.`
  if (before.sku !== after.sku) {
    const [from, to] = [convertible.exec(before.sku), convertible.exec(after.sku)]
    if (!from || !to || after.sku === 'Standard_ZRS')
      return `Azure does not convert ${before.sku} to ${after.sku} in place.`
    if (from[2] !== to[2])
      return 'The redundancy of a disk (LRS, ZRS) cannot be changed. Choose a type with the same one.'
  }
  if (before.ownTier !== null || before.burstingEnabled)
    return 'The disk has a performance tier of its own or bursts on demand. Reset this first, because it would be lost.'
  return undefined
}

async function become(arm: Arm, path: string, goal: State): Promise<Next> {
  const disk = await diskAt(arm, path)
  if (!disk) return { refuse: 'The disk does not exist any more.' }
  if (isBusy(disk)) return { wait: 'Azure is changing the disk.' }
  const { sku, diskSizeGB, diskIOPSReadWrite, diskMBpsReadWrite, diskState } = stateOf(disk)
  const properties = {
    ...(goal.diskSizeGB > diskSizeGB && { diskSizeGB: goal.diskSizeGB }),
    ...(goal.diskIOPSReadWrite !== diskIOPSReadWrite && { diskIOPSReadWrite: goal.diskIOPSReadWrite }),
    ...(goal.diskMBpsReadWrite !== diskMBpsReadWrite && { diskMBpsReadWrite: goal.diskMBpsReadWrite }),
  }
  if (sku === goal.sku && Object.keys(properties).length === 0) return { done: {} }
  if (diskState !== 'Unattached' && diskState !== 'Reserved')
    return { refuse: 'The disk is in use. Deallocate its instance, and try again.' }
  const body = { ...(sku !== goal.sku && { sku: { name: goal.sku } }), properties }
  const api = 'Microsoft.Compute/disks/write'
  return { change: { api, method: 'PATCH', type: diskType, path, body }, says: 'Azure is asked to change the disk.' }
}

export const changeVolume: Recipe<State, Wanted> = {
  type: diskType,
  async read(arm, { id }) {
    const disk = await diskAt(arm, id)
    return disk && stateOf(disk)
  },
  plan(_, { parameters, before }) {
    const [sku, diskSizeGB] = [parameters.type ?? before.sku, parameters.sizeGb ?? before.diskSizeGB]
    const isLarger = diskSizeGB > before.diskSizeGB
    const after: State = {
      ...before,
      sku,
      diskSizeGB,
      diskIOPSReadWrite: parameters.iops ?? before.diskIOPSReadWrite,
      diskMBpsReadWrite: parameters.throughputMb ?? before.diskMBpsReadWrite,
    }
    const reason = reasonAgainst(before, after, parameters)
    if (isDeepStrictEqual(after, before)) return 'done already'
    if (reason !== undefined) return { refusal: reason }
    const lost = isLarger ? [`the size of ${before.diskSizeGB} GiB`] : []
    return { after, undo: isLarger ? 'partial' : 'full', lost, losesData: null, notes: [] }
  },
  act: async (arm, { target, after }) => await become(arm, target.id, after as State),
  undo: async (arm, { target, before }) => await become(arm, target.id, before),
}
