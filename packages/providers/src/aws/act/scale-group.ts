import type * as ScalingSdk from '@aws-sdk/client-auto-scaling'
import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling'
import type { ActionOrder, ActionParameters, ActionPlan, ActionState, ActionStep } from '@cloudoptima/core'
import type { CloudAction } from '@cloudoptima/core'
import { isDeepStrictEqual } from 'node:util'
import { differences, done, goingOn, refused } from '../../access/steps.ts'
import type { Reader } from '../collect/reader.ts'
import { changing } from './account.ts'
import { hindranceOf, notesOf, tagsIn } from './hindrance.ts'

/** Amazon EC2 Auto Scaling in one region of an account. */
interface Scaling {
  sdk: typeof ScalingSdk
  client: ScalingSdk.AutoScalingClient
}

async function scalingIn(account: Reader, region: string): Promise<Scaling> {
  const sdk = await import('@aws-sdk/client-auto-scaling')
  return { sdk, client: account.client('autoscaling', sdk.AutoScalingClient, region) }
}

const nameOf = (arn: string) => arn.slice(arn.lastIndexOf('/') + 1)

async function groupOf({ sdk, client }: Scaling, arn: string): Promise<AutoScalingGroup | undefined> {
  const asked = { AutoScalingGroupNames: [nameOf(arn)] }
  const { AutoScalingGroups = [] } = await client.send(new sdk.DescribeAutoScalingGroupsCommand(asked))
  return AutoScalingGroups[0]
}

interface Size {
  MinSize: number
  MaxSize: number
  DesiredCapacity: number
}

const sizeOf = ({ MinSize = 0, MaxSize = 0, DesiredCapacity = 0 }: Partial<Size> | AutoScalingGroup): Size => ({
  MinSize,
  MaxSize,
  DesiredCapacity,
})
const sizeIn = (state: ActionState | null) => sizeOf(state ?? {})

/** The action `scale-group`. */
export function scaleGroup(account: Reader): CloudAction {
  const readState: CloudAction['readState'] = async ({ id, region }) => {
    const group = await groupOf(await scalingIn(account, region), id)
    return group && { ...sizeOf(group) }
  }
  return {
    readState,
    tags: async (target) => tagsIn(await groupOf(await scalingIn(account, target.region), target.id)),
    async plan({ target, parameters }) {
      const group = await groupOf(await scalingIn(account, target.region), target.id)
      return group ? planOf(group, parameters) : { refusal: 'The group does not exist any more.' }
    },
    act: async (order) => await stepTo(await scalingIn(account, order.target.region), order, order.after),
    verify: async ({ target, after }) => differences(await readState(target), after),
    undo: async (order) => await stepTo(await scalingIn(account, order.target.region), order, order.before),
  }
}

function planOf(group: AutoScalingGroup, parameters: ActionParameters): ActionPlan {
  const now = sizeOf(group)
  const { desired = now.DesiredCapacity, minimum = now.MinSize, maximum = now.MaxSize } = parameters
  const wanted = { MinSize: Number(minimum), MaxSize: Number(maximum), DesiredCapacity: Number(desired) }
  if (isDeepStrictEqual(now, wanted)) return 'done already'
  const refusal = hindranceOf(group) ?? unscalable(group, wanted)
  if (refusal !== undefined) return { refusal }
  const fewer = now.DesiredCapacity - wanted.DesiredCapacity
  return {
    after: wanted,
    undo: fewer > 0 ? 'partial' : 'full',
    lost: fewer > 0 ? [`${fewer} instances that the group ends, with the data of their own disks`] : [],
    losesData: fewer > 0 ? `The group terminates ${fewer} instances; the data on their own disks is lost.` : null,
    notes: ['Scaling policies and scheduled actions of the group may change its size again.', ...notesOf(group)],
  }
}

/** Weights and attributes make a size count units, vCPUs or memory: EC2 Auto Scaling guide, "Instance weights". */
function countsUnits({ DesiredCapacityType, Instances = [], MixedInstancesPolicy }: AutoScalingGroup): boolean {
  const overrides = MixedInstancesPolicy?.LaunchTemplate?.Overrides ?? []
  const isWeighted = [...Instances, ...overrides].some(({ WeightedCapacity }) => WeightedCapacity !== undefined)
  return isWeighted || (DesiredCapacityType !== undefined && DesiredCapacityType !== 'units')
}

function unscalable(group: AutoScalingGroup, { MinSize, MaxSize, DesiredCapacity }: Size): string | undefined {
  const { SuspendedProcesses = [], Instances = [], Status } = group
  if (countsUnits(group)) return 'Its size counts units of capacity, and not instances. Change it by hand.'
  if (DesiredCapacity < MinSize)
    return `Its minimum is ${MinSize}. Give a lower minimum too, or at least ${MinSize} instances.`
  if (DesiredCapacity > MaxSize)
    return `Its maximum is ${MaxSize}. Give a higher maximum too, or at most ${MaxSize} instances.`
  if (Status !== undefined) return `It is being deleted (${Status}).`
  const needed = DesiredCapacity < Instances.length ? 'Terminate' : 'Launch'
  if (SuspendedProcesses.some(({ ProcessName }) => ProcessName === needed))
    return `Its process ${needed} is suspended. Resume it first.`
  const safe = Instances.filter(({ ProtectedFromScaleIn }) => ProtectedFromScaleIn).length
  return DesiredCapacity < safe
    ? `${safe} of its instances are protected from scaling in. Remove this protection first.`
    : undefined
}

async function stepTo(scaling: Scaling, order: ActionOrder, state: ActionState | null): Promise<ActionStep> {
  const { target, memory } = order
  const { sdk, client } = scaling
  const group = await groupOf(scaling, target.id)
  if (!group) return refused(memory, `The group ${nameOf(target.id)} does not exist any more.`)
  const wanted = sizeIn(state)
  if (!isDeepStrictEqual(sizeOf(group), wanted)) {
    const given = { AutoScalingGroupName: group.AutoScalingGroupName, ...wanted }
    return await changing(memory, async () => {
      await client.send(new sdk.UpdateAutoScalingGroupCommand(given))
      return goingOn(memory, 15, `The group is to have ${wanted.DesiredCapacity} instances.`)
    })
  }
  // Instances in standby do not count.
  const counted = (group.Instances ?? []).filter(({ LifecycleState }) => LifecycleState !== 'Standby')
  const ready = counted.filter(({ LifecycleState }) => LifecycleState === 'InService').length
  return ready === wanted.DesiredCapacity && counted.length === ready
    ? done(memory)
    : goingOn(memory, 30, `The group has ${ready} of ${wanted.DesiredCapacity} instances.`)
}
