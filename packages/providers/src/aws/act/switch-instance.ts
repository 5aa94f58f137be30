import type { ActionOrder, ActionState, ActionStep, CloudAction } from '@cloudoptima/core'
import { differences, done } from '../../access/steps.ts'
import type { Reader } from '../collect/reader.ts'
import { ec2In } from './account.ts'
import { tagsIn } from './hindrance.ts'
import {
  gone,
  instanceHindrance,
  instanceOf,
  instancePlan,
  lostByStop,
  noLoss,
  type Power,
  powerStep,
} from './instance.ts'

/** The actions `stop-instance` and `start-instance`. */
export function switchInstance(account: Reader, wanted: Power): CloudAction {
  const become = async (order: ActionOrder, state: ActionState | null, insists: boolean): Promise<ActionStep> => {
    const { target, memory } = order
    const ec2 = await ec2In(account, target.region)
    const instance = await instanceOf(ec2, target.id)
    if (!instance) return gone(order, target)
    const power = state?.['State'] === 'running' ? 'running' : 'stopped'
    return (await powerStep(ec2, instance, { power, insists, memory })) ?? done(memory)
  }
  const readState: CloudAction['readState'] = async ({ id, region }) => {
    const instance = await instanceOf(await ec2In(account, region), id)
    // Another type may have an instance store, of which the plan says nothing.
    return instance && { State: instance.State?.Name ?? '', InstanceType: instance.InstanceType ?? '' }
  }
  return {
    readState,
    tags: async (target) => tagsIn(await instanceOf(await ec2In(account, target.region), target.id)),
    async plan({ target, before }) {
      const ec2 = await ec2In(account, target.region)
      const instance = await instanceOf(ec2, target.id)
      if (!instance) return { refusal: 'The instance does not exist any more.' }
      const refusal = instanceHindrance(instance, before)
      if (refusal !== undefined) return { refusal }
      if (before['State'] === wanted) return 'done already'
      const after = { ...before, State: wanted }
      if (wanted === 'running')
        return await instancePlan(ec2, instance, after, { ...noLoss, notes: [], changes: ['start'] })
      const loss = await lostByStop(ec2, instance)
      return await instancePlan(ec2, instance, after, { ...loss, notes: [], changes: ['stop'] })
    },
    act: async (order) => await become(order, order.after, false),
    verify: async ({ target, after }) => differences(await readState(target), after),
    undo: async (order) => await become(order, order.before, true),
  }
}
