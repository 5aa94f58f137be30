import { isDeepStrictEqual } from 'node:util'
import {
  type ActionOrder,
  type ActionState,
  type ActionStep,
  type CloudAction,
  Fault,
  type UndoKind,
} from '@cloudoptima/core'

/** What befalls a changing call: `unanswered` is carried out, and `lost` does not arrive. */
export type Fate = 'answered' | 'unanswered' | 'lost'

interface Instance {
  status: 'running' | 'stopping' | 'stopped'
  type: string
}

/** Instances whose type changes while they are stopped, as `resize-instance` of each cloud. */
export interface InstanceCloud {
  instances: Map<string, Instance>
  /** The changing calls that were carried out, in order: `i-1 stop`. */
  changes: string[]
  fateOf(call: string): Fate
  /** Before each change. */
  witness(id: string, call: string): Promise<void>
  /** Of each plan. */
  undo: UndoKind
  /** Each call of the cloud, before and after. */
  around<Value>(call: () => Value): Promise<Value>
  /** Changes that the cloud refuses, by the name of the call. */
  refused: Set<string>
  /** Instances that do not take a new type, though the cloud says so: once, or again and again. */
  broken: Set<string>
  endless: Set<string>
  action: CloudAction
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

export function instanceCloud(ids: readonly string[]): InstanceCloud {
  const shownOf = ({ status, type }: Instance): ActionState => ({ status, type })
  const cloud: InstanceCloud = {
    instances: new Map(ids.map((id) => [id, { status: 'running', type: 'large' }])),
    changes: [],
    fateOf: () => 'answered',
    witness: async () => undefined,
    undo: 'full',
    around: async (call) => call(),
    refused: new Set(),
    broken: new Set(),
    endless: new Set(),
    action: {
      readState: async ({ id }) => await cloud.around(() => stateOf(id)),
      plan: async ({ parameters, before }) => {
        const after = { ...before, type: parameters['type'] ?? '' }
        return isDeepStrictEqual(after, before) ? 'done already' : { after, undo: cloud.undo, lost: [], notes: [] }
      },
      act: async (order) => await step(order, order.after ?? {}),
      verify: async ({ target, after }) => {
        const now = await cloud.around(() => stateOf(target.id))
        return now?.['type'] === after?.['type'] ? [] : [`The type is ${JSON.stringify(now?.['type'])}.`]
      },
      undo: async (order) => await step(order, order.before),
    },
  }
  function stateOf(id: string): ActionState | undefined {
    const found = cloud.instances.get(id)
    if (found?.status === 'stopping') found.status = 'stopped'
    return found && shownOf(found)
  }
  /** One step towards a state. */
  async function step({ target: { id }, memory }: ActionOrder, wanted: ActionState): Promise<ActionStep> {
    const now = await cloud.around(() => cloud.instances.get(id))
    if (!now) return { state: 'refused', memory, message: 'It is gone.' }
    const going = (says: string): ActionStep => ({ state: 'going on', memory, waitSeconds: 5, says })
    if (now.type !== wanted['type'] && !(cloud.broken.has(id) && memory['type'] === wanted['type'])) {
      if (now.status === 'running') return (await change(id, 'stop', memory)) ?? going('It stops.')
      if (now.status === 'stopping') {
        now.status = 'stopped'
        return going('It stops.')
      }
      const modified = await change(id, `modify ${textOf(wanted['type'])}`, memory)
      const later: ActionStep = { ...going('It has the type.'), memory: { ...memory, type: wanted['type'] ?? '' } }
      return modified ?? later
    }
    if (wanted['status'] === 'running' && now.status !== 'running')
      return (await change(id, 'start', memory)) ?? going('It starts.')
    return { state: 'done', memory }
  }
  async function change(id: string, call: string, memory: ActionOrder['memory']): Promise<ActionStep | undefined> {
    const fate = cloud.fateOf(`${id} ${call}`)
    if (fate === 'lost') throw new Fault('unavailable', 'The cloud does not answer.')
    await cloud.witness(id, call)
    const isRefused = cloud.refused.has(`${id} ${call}`)
    await cloud.around(() => {
      const instance = cloud.instances.get(id)
      if (!instance || isRefused) return
      cloud.changes.push(`${id} ${call}`)
      if (call === 'stop') instance.status = 'stopping'
      else if (call === 'start') instance.status = 'running'
      else if (!cloud.broken.has(id) && !cloud.endless.has(id)) instance.type = call.slice('modify '.length)
    })
    if (isRefused) return { state: 'refused', memory, message: `The cloud refuses to ${call} it.` }
    if (fate === 'unanswered') throw new Fault('unavailable', 'The cloud does not answer.')
    return undefined
  }
  return cloud
}

/** Approval is needed, failures are taken back, and no cap is reached. */
export const safety = {
  dryRunFirst: false,
  requireApproval: true,
  rollbackEnabled: true,
  maxResourcesPerExecution: 10,
  maxMonthlyCost: null,
  maxSharePercent: null,
  blackoutWindows: [],
  protectedTags: [],
}
