import { type Arm, isSame } from './arm.ts'
import { isBusy, isProtected, keptFrom, type Machine, machineAt, type Power, powerOf, protectedBy } from './machine.ts'
import { featuresOf, localDisk, localDiskLoss, type Size, sizesOf, sizesOnHost } from './sizes.ts'
import type { Next, Recipe } from './step.ts'

const type = 'Microsoft.Compute/virtualMachines'

type State = { vmSize: string; powerState: Power; protected: boolean }

/** Why the machine cannot take the size, and what to do. */
function misfit(machine: Machine, now: Size | undefined, wanted: Size): string | undefined {
  const { dataDisks = [], osDisk } = machine.properties.storageProfile ?? {}
  const [from, to] = [featuresOf(now?.name ?? ''), featuresOf(wanted.name)]
  if (dataDisks.length > wanted.maxDataDiskCount)
    return `${wanted.name} takes ${wanted.maxDataDiskCount} data disks, and the instance has ${dataDisks.length}.`
  if (from.isArm !== to.isArm) return `${wanted.name} has processors of another architecture.`
  const isPremium = [osDisk, ...dataDisks].some((each) => each?.managedDisk?.storageAccountType?.startsWith('Premium'))
  if (isPremium && !to.isPremium) return `${wanted.name} takes no premium disks, which the instance has.`
  // https://learn.microsoft.com/azure/virtual-machines/azure-vms-no-temp-disk
  if (now && now.resourceDiskSizeInMB > 0 !== wanted.resourceDiskSizeInMB > 0)
    return `Only one of ${now.name} and ${wanted.name} has a temporary disk, and Azure allows no change between them.`
  return undefined
}

async function become(arm: Arm, path: string, goal: State): Promise<Next> {
  const machine = await machineAt(arm, path)
  if (!machine) return { refuse: 'The instance does not exist any more.' }
  const power = powerOf(machine)
  if (isBusy(machine) || power === 'changing') return { wait: 'Azure is changing the instance.' }
  const post = (verb: 'deallocate' | 'start'): Next => ({
    change: { api: `${type}/${verb}/action`, method: 'POST', type, path: `${path}/${verb}` },
    says: `Azure is asked to ${verb} it.`,
  })
  if (!isSame(machine.properties.hardwareProfile?.vmSize, goal.vmSize)) {
    // A size of another host needs a machine without a host.
    const isFree =
      power === 'deallocated' || (await sizesOnHost(arm, path)).some(({ name }) => isSame(name, goal.vmSize))
    if (!isFree) return post('deallocate')
    const body = { properties: { hardwareProfile: { vmSize: goal.vmSize } } }
    const change = { api: `${type}/write`, method: 'PATCH', type, path, body, etag: machine.etag } as const
    return { change, says: `Azure is asked for the size ${goal.vmSize}.` }
  }
  return goal.powerState === 'running' && power !== 'running' ? post('start') : { done: {} }
}

/** https://learn.microsoft.com/azure/virtual-machines/sizes/resize-vm */
export const resizeInstance: Recipe<State, { type: string }> = {
  type,
  async read(arm, { id }) {
    const machine = await machineAt(arm, id)
    if (!machine) return undefined
    const vmSize = machine.properties.hardwareProfile?.vmSize ?? ''
    return { vmSize, powerState: powerOf(machine), protected: isProtected(machine) }
  },
  async plan(arm, { target: { id }, parameters, before }) {
    const asked = parameters.type
    if (isSame(asked, before.vmSize)) return 'done already'
    if (before.protected) return { refusal: protectedBy }
    const machine = await machineAt(arm, id)
    if (!machine) return { refusal: 'The instance does not exist any more.' }
    const kept = keptFrom(machine)
    if (kept !== undefined) return { refusal: kept }
    if (before.powerState !== 'running' && before.powerState !== 'deallocated')
      return { refusal: 'The instance is stopped or being changed. Deallocate or start it first.' }
    const sizes = await sizesOf(arm, id, machine)
    const wanted = sizes.find(({ name }) => isSame(name, asked))
    if (!wanted) return { refusal: `Azure has no size ${asked} in ${machine.location}. Choose one of this region.` }
    const now = sizes.find(({ name }) => isSame(name, before.vmSize))
    const reason = misfit(machine, now, wanted)
    if (reason !== undefined) return { refusal: `${reason} Choose another size.` }
    const isHere = (await sizesOnHost(arm, id)).some(({ name }) => isSame(name, asked))
    if (!isHere && machine.properties.availabilitySet)
      return {
        refusal: 'The hosts of its availability set do not have this size. Deallocate all instances of the set first.',
      }
    const note = isHere ? 'A running instance restarts.' : 'A running instance is deallocated, and starts again.'
    // One that is deallocated has lost it already.
    const losesData = before.powerState === 'running' ? localDiskLoss(before.vmSize, now) : null
    const lost = losesData === null ? [] : [localDisk]
    const undo = losesData === null ? 'full' : 'partial'
    return { after: { ...before, vmSize: wanted.name }, undo, lost, losesData, notes: [note] }
  },
  act: async (arm, { target, after }) => await become(arm, target.id, after as State),
  undo: async (arm, { target, before }) => await become(arm, target.id, before),
}
