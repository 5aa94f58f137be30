import { isDeepStrictEqual } from 'node:util'
import {
  type ActionMemory,
  type ActionOrder,
  type ActionParameters,
  type ActionPlan,
  type ActionQuestion,
  type ActionState,
  type ActionStep,
  type ActionTarget,
  type CloudAction,
  type TagsByKey,
} from '@cloudoptima/core'
import type { AccessOptions } from '../../access/options.ts'
import type { AccessTo } from '../../access/verdict.ts'
import { azureCalls, Refusal } from '../collect/calls.ts'
import type { ActPermission } from './permissions.ts'
import { type Arm, armOf, type ArmType, assertOwn, type Change, faultOf, isSame, typeOf } from './arm.ts'

/** What a look at the resource says to do next. */
export type Next =
  | { done: ActionMemory }
  /** Azure is at work. */
  | { wait: string }
  | { refuse: string }
  | { change: Change; says: string; memory?: ActionMemory }

type Asked<Given, State, Parameters> = Omit<Given, 'before' | 'parameters'> & { before: State; parameters: Parameters }

/** An action on one type of resource. Each function looks at the resource, and none changes anything itself. */
export interface Recipe<State extends ActionState, Parameters extends ActionParameters = ActionParameters> {
  type: ArmType
  /** Undefined: there is no such resource. */
  read(arm: Arm, target: ActionTarget): Promise<State | undefined>
  plan(arm: Arm, question: Asked<ActionQuestion, State, Parameters>): Promise<ActionPlan> | ActionPlan
  act(arm: Arm, order: Asked<ActionOrder, State, Parameters>): Promise<Next>
  undo(arm: Arm, order: Asked<ActionOrder, State, Parameters>): Promise<Next>
}

type Way = 'act' | 'undo'

/** The operation that a change has begun, in the memory of an order. */
interface Running {
  way: Way
  path: string
}

const waitSeconds = 10

const readOf = {
  'Microsoft.Compute/virtualMachines': 'Microsoft.Compute/virtualMachines/read',
  'Microsoft.Compute/disks': 'Microsoft.Compute/disks/read',
  'Microsoft.Compute/snapshots': 'Microsoft.Compute/snapshots/read',
  'Microsoft.Network/publicIPAddresses': 'Microsoft.Network/publicIPAddresses/read',
  'Microsoft.Web/serverfarms': 'Microsoft.Web/serverfarms/read',
  'Microsoft.Insights/autoscaleSettings': 'Microsoft.Insights/autoscaleSettings/read',
} as const satisfies Record<ArmType, ActPermission>

/** An action that does what its recipe says, one change a call. */
export async function azureAction<State extends ActionState, Parameters extends ActionParameters>(
  options: AccessOptions,
  access: AccessTo<'azure'>,
  recipe: Recipe<State, Parameters>,
): Promise<CloudAction> {
  const calls = await azureCalls(options, access)
  const arm = armOf(calls)
  const isOfType = ({ id }: ActionTarget) => isSame(typeOf(id), recipe.type)
  const read = async (target: ActionTarget): Promise<ActionState | undefined> => {
    assertOwn(calls, target.id)
    return isOfType(target) ? await recipe.read(arm, target) : { type: typeOf(target.id) ?? 'unknown' }
  }
  const step = async (way: Way, order: ActionOrder): Promise<ActionStep> => {
    assertOwn(calls, order.target.id)
    const { operation, ...memory } = order.memory as { operation?: Running } & ActionMemory
    if (operation) {
      const { status, code = '' } = await arm.operation(operation.path)
      if (status === 'InProgress') return goingOn(order.memory, 'Azure is carrying out the change.')
      // What failed on the way there does not end the way back.
      if (status === 'Failed' && operation.way === way) return { state: 'refused', memory, message: refusalOf(code) }
    }
    const next = await recipe[way](arm, order as unknown as Asked<ActionOrder, State, Parameters>)
    if ('done' in next) return { state: 'done', memory: { ...memory, ...next.done } }
    if ('wait' in next) return goingOn(memory, next.wait)
    if ('refuse' in next) return { state: 'refused', memory, message: next.refuse }
    return await changed(arm, next, way, memory)
  }
  return {
    readState: read,
    async tags(target) {
      assertOwn(calls, target.id)
      if (!isOfType(target)) return undefined
      const found = await arm.read<{ tags?: TagsByKey | null }>(readOf[recipe.type], recipe.type, target.id)
      return found && (found.tags ?? {})
    },
    async plan({ target, ...question }) {
      if (!isOfType(target)) return { refusal: `This action changes ${recipe.type} only. Leave the resource out.` }
      return await recipe.plan(arm, { target, ...question } as unknown as Asked<ActionQuestion, State, Parameters>)
    },
    act: async (order) => await step('act', order),
    verify: async ({ target, after }) => differences((await read(target)) ?? null, after),
    undo: async (order) => await step('undo', order),
  }
}

function goingOn(memory: ActionMemory, says: string): ActionStep {
  return { state: 'going on', memory, waitSeconds, says }
}

async function changed(
  arm: Arm,
  { change, says, memory: added }: Extract<Next, { change: Change }>,
  way: Way,
  known: ActionMemory,
): Promise<ActionStep> {
  const memory = { ...known, ...added }
  try {
    const path = await arm.change(change)
    return goingOn(path === undefined ? memory : { ...memory, operation: { way, path } }, says)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { status, code } = error
    if (status === 403 && !/Policy/i.test(code)) throw faultOf(error, change.api)
    if (status === 412 || passing.test(code)) return goingOn(memory, `Azure is busy with the resource (${code}).`)
    return { state: 'refused', memory, message: refusalOf(code) }
  }
}

/** Another change of the resource is going on: https://learn.microsoft.com/troubleshoot/azure/virtual-machines */
const passing = /^(Retryable|AnotherOperationInProgress|OperationPreempted|ConflictingConcurrent|AttachDiskWhileBeing)/

/** https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors */
const advice: readonly [code: RegExp, advice: string][] = [
  [/Lock/, 'A lock protects the resource. Remove the lock, or leave the resource out.'],
  [/Policy/, 'A policy of the subscription forbids it. Ask who maintains the policy.'],
  [
    /Allocation|SkuNotAvailable/,
    'Azure has no capacity for this size here now. Try again later, or choose another size.',
  ],
  [
    /Quota|OperationNotAllowed/,
    'The state of the resource or a quota does not allow it. See the activity log of Azure.',
  ],
  [/InUse|CannotBeDeleted/, 'Something uses the resource. Plan the action again.'],
  [/NotFound/, 'The resource does not exist any more. Plan the action again.'],
]

function refusalOf(code: string): string {
  const [, what = 'The activity log of the resource in Azure says why.'] =
    advice.find(([form]) => form.test(code)) ?? []
  return `Azure refused it (${code}). ${what}`
}

function differences(now: ActionState | null, wanted: ActionState | null): string[] {
  if (!now || !wanted)
    return now === wanted ? [] : [now ? 'The resource still exists.' : 'The resource does not exist.']
  return Object.entries(wanted)
    .filter(([field, value]) => !isDeepStrictEqual(now[field], value))
    .map(([field, value]) => `${field} is ${JSON.stringify(now[field])} instead of ${JSON.stringify(value)}.`)
}
