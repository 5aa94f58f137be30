import type { Arm } from './arm.ts'
import { isBusy, isProtected, keptFrom, machineAt, type Power, powerOf, protectedBy } from './machine.ts'
import { localDisk, localDiskLoss, sizeNamed } from './sizes.ts'
import type { Next, Recipe } from './step.ts'

const type = 'Microsoft.Compute/virtualMachines'

/** Another size may have a temporary disk, of which the plan says nothing. */
type State = { powerState: Power; vmSize: string; protected: boolean }

const read: Recipe<State>['read'] = async (arm, { id }) => {
  const machine = await machineAt(arm, id)
  if (!machine) return undefined
  const vmSize = machine.properties.hardwareProfile?.vmSize ?? ''
  return { powerState: powerOf(machine), vmSize, protected: isProtected(machine) }
}

const verbs = { running: 'start', deallocated: 'deallocate', stopped: 'powerOff' } as const

/** The way of a machine to a state. One that is deallocated counts as stopped. */
async function become(arm: Arm, path: string, goal: Power): Promise<Next> {
  const machine = await machineAt(arm, path)
  if (!machine) return { refuse: 'The instance does not exist any more.' }
  const power = powerOf(machine)
  if (isBusy(machine) || power === 'changing' || goal === 'changing')
    return { wait: 'Azure is starting or stopping the instance.' }
  if (power === goal || (goal === 'stopped' && power === 'deallocated')) return { done: {} }
  const verb = verbs[goal]
  const api = `${type}/${verb}/action` as const
  return { change: { api, method: 'POST', type, path: `${path}/${verb}` }, says: `Azure is asked to ${verb} it.` }
}

const unsettled = 'The instance is being changed. Plan the action again when it has settled.'
const address = 'A dynamic public address does not outlive the stop.'

/** https://learn.microsoft.com/rest/api/compute/virtual-machines/deallocate */
export const stopInstance: Recipe<State> = {
  type,
  read,
  async plan(arm, { target, before }) {
    const machine = await machineAt(arm, target.id)
    if (!machine) return { refusal: 'The instance does not exist any more.' }
    const refusal = before.protected ? protectedBy : keptFrom(machine)
    if (refusal !== undefined) return { refusal }
    if (before.powerState === 'changing') return { refusal: unsettled }
    if (before.powerState === 'deallocated') return 'done already'
    const after: State = { ...before, powerState: 'deallocated' }
    const losesData = localDiskLoss(before.vmSize, await sizeNamed(arm, target.id, machine))
    const lost = losesData === null ? [] : [localDisk]
    if (before.powerState === 'running')
      return { after, undo: losesData === null ? 'full' : 'partial', lost, losesData, notes: [address] }
    // To start it only to keep its host would be of no use, and may do harm.
    return { after, undo: 'none', lost: ['the host of the stopped instance', ...lost], losesData, notes: [address] }
  },
  act: async (arm, { target }) => await become(arm, target.id, 'deallocated'),
  undo: async (arm, { target, before }) => await become(arm, target.id, before.powerState),
}

/** https://learn.microsoft.com/rest/api/compute/virtual-machines/start */
export const startInstance: Recipe<State> = {
  type,
  read,
  plan(_, { before }) {
    if (before.protected) return { refusal: protectedBy }
    if (before.powerState === 'changing') return { refusal: unsettled }
    if (before.powerState === 'running') return 'done already'
    return { after: { ...before, powerState: 'running' }, undo: 'full', lost: [], losesData: null, notes: [] }
  },
  act: async (arm, { target }) => await become(arm, target.id, 'running'),
  undo: async (arm, { target, before }) => await become(arm, target.id, before.powerState),
}
