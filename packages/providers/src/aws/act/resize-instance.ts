import type { ActionOrder, ActionPlan, ActionState, ActionStep, CloudAction } from '@cloudoptima/core'
import { differences, done, goingOn, textIn } from '../../access/steps.ts'
import type { Reader } from '../collect/reader.ts'
import { changing, type Ec2, ec2In } from './account.ts'
import { tagsIn } from './hindrance.ts'
import { gone, instanceHindrance, instanceOf, instancePlan, lostByStop, noLoss, powerStep } from './instance.ts'
import { driversFor, instanceTypes, isOfferedIn, misfitOf } from './instance-types.ts'

const stateOf = ({ State, InstanceType }: NonNullable<Awaited<ReturnType<typeof instanceOf>>>): ActionState => ({
  State: State?.Name ?? '',
  InstanceType: InstanceType ?? '',
})

/** The action `resize-instance`: an instance that runs stops, takes the type, and starts. */
export function resizeInstance(account: Reader): CloudAction {
  const readState: CloudAction['readState'] = async ({ id, region }) => {
    const instance = await instanceOf(await ec2In(account, region), id)
    return instance && stateOf(instance)
  }
  const become = async (order: ActionOrder, state: ActionState | null, insists: boolean): Promise<ActionStep> => {
    const { target, memory } = order
    const ec2 = await ec2In(account, target.region)
    const instance = await instanceOf(ec2, target.id)
    if (!instance) return gone(order, target)
    const type = textIn(state, 'InstanceType')
    if (instance.InstanceType !== type) {
      const { InstanceId } = instance
      const given = { InstanceId, InstanceType: { Value: type } }
      return (
        (await powerStep(ec2, instance, { power: 'stopped', insists, memory })) ??
        (await changing(memory, async () => {
          await ec2.client.send(new ec2.sdk.ModifyInstanceAttributeCommand(given))
          return goingOn(memory, 1, `The instance has the type ${type} now.`)
        }))
      )
    }
    const power = state?.['State'] === 'running' ? 'running' : 'stopped'
    return (await powerStep(ec2, instance, { power, insists, memory })) ?? done(memory)
  }
  return {
    readState,
    tags: async (target) => tagsIn(await instanceOf(await ec2In(account, target.region), target.id)),
    plan: async ({ target, parameters, before }) =>
      await planOf(await ec2In(account, target.region), target.id, before, textIn(parameters, 'type')),
    act: async (order) => await become(order, order.after, false),
    verify: async ({ target, after }) => differences(await readState(target), after),
    undo: async (order) => await become(order, order.before, true),
  }
}

async function planOf(ec2: Ec2, id: string, before: ActionState, type: string): Promise<ActionPlan> {
  const instance = await instanceOf(ec2, id)
  if (!instance) return { refusal: 'The instance does not exist any more.' }
  const current = textIn(before, 'InstanceType')
  if (current === type) return 'done already'
  const hindrance = instanceHindrance(instance, before)
  if (hindrance !== undefined) return { refusal: hindrance }
  if (instance.HibernationOptions?.Configured)
    return { refusal: 'It can hibernate, and AWS does not change the type of such instances. Launch a new one.' }
  const zone = instance.Placement?.AvailabilityZone ?? ''
  const types = await instanceTypes(ec2, type, current)
  const wanted = types.get(type)
  if (!wanted) return { refusal: `AWS has no instance type ${type} in ${ec2.region}. Choose another type.` }
  if (!(await isOfferedIn(ec2, zone, type)))
    return { refusal: `AWS does not offer ${type} in ${zone}, where the instance is. Choose another type.` }
  const misfit = misfitOf(instance, wanted)
  if (misfit !== undefined) return { refusal: misfit }
  const runs = before['State'] === 'running'
  const notes = [
    ...(runs ? ['The instance is stopped for some minutes.'] : []),
    ...driversFor(types.get(current), wanted),
  ]
  return await instancePlan(
    ec2,
    instance,
    { ...before, InstanceType: type },
    {
      ...(runs ? await lostByStop(ec2, instance) : noLoss),
      notes,
      changes: [...(runs ? (['stop', 'start'] as const) : []), { type }],
    },
  )
}
