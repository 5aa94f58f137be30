import type { Instance } from '@aws-sdk/client-ec2'
import type { ActionMemory, ActionOrder, ActionPlan, ActionState, ActionStep, ActionTarget } from '@cloudoptima/core'
import { goingOn, refused, textIn } from '../../access/steps.ts'
import { changing, type Ec2, found, rehearsal } from './account.ts'
import { hindranceOf, notesOf } from './hindrance.ts'
import { instanceTypes } from './instance-types.ts'

const isGone = ({ State }: Instance) => State?.Name === 'terminated' || State?.Name === 'shutting-down'

/** Undefined: there is no such instance, or it is terminated. */
export async function instanceOf({ sdk, client }: Ec2, id: string): Promise<Instance | undefined> {
  const asked = { InstanceIds: [id] }
  const answer = await found(async () => await client.send(new sdk.DescribeInstancesCommand(asked)))
  const [instance] = answer?.Reservations?.flatMap(({ Instances = [] }) => Instances) ?? []
  return instance && !isGone(instance) ? instance : undefined
}

export type Power = 'running' | 'stopped'

/** The next step towards the power state; undefined once the instance has it. `insists`: it waits for capacity. */
export async function powerStep(
  { sdk, client }: Ec2,
  { State, StateReason, InstanceId = '' }: Instance,
  { power: wanted, insists, memory }: { power: Power; insists: boolean; memory: ActionMemory },
): Promise<ActionStep | undefined> {
  const now = State?.Name
  if (now === wanted) return undefined
  if (now !== 'running' && now !== 'stopped') return goingOn(memory, 10, `The instance is ${now}.`)
  const InstanceIds = [InstanceId]
  if (wanted === 'stopped')
    return await changing(memory, async () => {
      await client.send(new sdk.StopInstancesCommand({ InstanceIds }))
      return goingOn(memory, 15, 'The instance stops.')
    })
  if (memory['isStarted'] === true && isFailed(StateReason?.Code) && !insists)
    return refused(memory, `The instance does not start: ${StateReason?.Message}. Its console says why.`)
  return await changing(
    memory,
    async () => {
      await client.send(new sdk.StartInstancesCommand({ InstanceIds }))
      return goingOn({ ...memory, isStarted: true }, 15, 'The instance starts.')
    },
    ({ awsCode }) => {
      if (awsCode !== 'InsufficientInstanceCapacity') return undefined
      const why = 'AWS has no capacity for this type in this zone at the moment.'
      return insists ? goingOn(memory, 300, why) : refused(memory, `${why} Try again later, or choose another type.`)
    },
  )
}

/** Whether an instance stopped by itself: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html */
const isFailed = (code = '') => code.startsWith('Server.') || code === 'Client.InternalError'

export const gone = ({ memory }: Pick<ActionOrder, 'memory'>, { id }: ActionTarget) =>
  refused(memory, `The instance ${id} does not exist any more.`)

interface Loss {
  lost: string[]
  losesData: string | null
}

export const noLoss: Loss = { lost: [], losesData: null }

/**
 * What a stop loses for ever: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-store-lifetime.html
 * DescribeInstances does not list instance store volumes. DescribeInstanceTypes says whether the type has any.
 */
export async function lostByStop(ec2: Ec2, { NetworkInterfaces = [], InstanceType }: Instance): Promise<Loss> {
  const isPassing = NetworkInterfaces.some(({ Association }) => Association?.IpOwnerId === 'amazon')
  const name: string = InstanceType ?? ''
  const hasStore = (await instanceTypes(ec2, name)).get(name)?.InstanceStorageSupported
  const unknown = `AWS does not tell whether ${name} has instance store volumes: their data is lost.`
  return {
    lost: [
      ...(isPassing ? ['the public IP address, because it is not an Elastic IP address'] : []),
      ...(hasStore === false ? [] : ['the data on instance store volumes']),
    ],
    losesData: hasStore === false ? null : hasStore ? 'The data on its instance store volumes is lost.' : unknown,
  }
}

/** Why an instance is neither stopped nor changed. */
export function instanceHindrance(instance: Instance, before: ActionState): string | undefined {
  const hindrance = hindranceOf(instance)
  if (hindrance !== undefined) return hindrance
  if (instance.InstanceLifecycle === 'spot') return 'It is a Spot Instance. Change its Spot request instead.'
  if (instance.RootDeviceType === 'instance-store')
    return 'Its root device is an instance store, and so it cannot stop. Terminate it if nobody needs it.'
  const state = textIn(before, 'State')
  return state === 'running' || state === 'stopped'
    ? undefined
    : `It is ${state}. Try again when it runs or is stopped.`
}

interface Given extends Loss {
  notes: string[]
  changes: ('stop' | 'start' | { type: string })[]
}

/** The plan of a change that loses these things. */
export async function instancePlan(
  ec2: Ec2,
  instance: Instance,
  after: ActionState,
  { lost, losesData, notes, changes }: Given,
): Promise<ActionPlan> {
  const rehearsed = [...notesOf(instance), ...notes]
  for (const change of changes) {
    const { refusal, notes: more } = await rehearsal(async () => await dryRun(ec2, instance.InstanceId ?? '', change))
    if (refusal !== undefined) return { refusal }
    rehearsed.push(...more)
  }
  return { after, undo: lost.length > 0 ? 'partial' : 'full', lost, losesData, notes: rehearsed }
}

async function dryRun({ sdk, client }: Ec2, id: string, change: 'stop' | 'start' | { type: string }) {
  const asked = { InstanceIds: [id], DryRun: true }
  if (change === 'stop') return await client.send(new sdk.StopInstancesCommand(asked))
  if (change === 'start') return await client.send(new sdk.StartInstancesCommand(asked))
  const given = { InstanceId: id, InstanceType: { Value: change.type }, DryRun: true }
  return await client.send(new sdk.ModifyInstanceAttributeCommand(given))
}
