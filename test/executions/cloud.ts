import { isDeepStrictEqual } from 'node:util'
import {
  type Access,
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
  /** When the last changing call was sent. */
  lastSentAt: number
  fateOf(call: string): Fate
  /** Milliseconds until a changing call arrives, though nobody may wait for it any more. */
  delayOf(call: string): number
  /** Milliseconds until a reading call is answered. */
  readMs: number
  /** Before each change. */
  witness(id: string, call: string): Promise<void>
  /** Of each plan. */
  undo: UndoKind
  losesData: string | null
  /** Each call of the cloud, before and after. */
  around<Value>(call: () => Value | Promise<Value>): Promise<Value>
  /** Changes that the cloud refuses, by the name of the call. */
  refused: Set<string>
  /** Changes that an instance needs at first, each in a step of its own without a wait. */
  parts: Map<string, number>
  /** Those of them that get no answer once. */
  silentParts: Set<number>
  /** Instances that do not take a new type, though the cloud says so: once, or again and again. */
  broken: Set<string>
  endless: Set<string>
  /** Accounts that do not answer. */
  silent: Set<string>
  action(access: Access): CloudAction
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

export function instanceCloud(ids: readonly string[]): InstanceCloud {
  const shownOf = ({ status, type }: Instance): ActionState => ({ status, type })
  const cloud: InstanceCloud = {
    instances: new Map(ids.map((id) => [id, { status: 'running', type: 'large' }])),
    changes: [],
    lastSentAt: 0,
    fateOf: () => 'answered',
    delayOf: () => 0,
    readMs: 0,
    witness: async () => undefined,
    undo: 'full',
    losesData: null,
    around: async (call) => call(),
    refused: new Set(),
    parts: new Map(),
    silentParts: new Set(),
    broken: new Set(),
    endless: new Set(),
    silent: new Set(),
    action: (access) => ({
      readState: async ({ id }) => await asked(access, () => stateOf(id)),
      plan: async ({ parameters, before }) => {
        const after = { ...before, type: parameters['type'] ?? '' }
        if (isDeepStrictEqual(after, before)) return 'done already'
        return { after, undo: cloud.undo, lost: [], losesData: cloud.losesData, notes: [] }
      },
      act: async (order) => await step(access, order, order.after ?? {}),
      verify: async ({ target, after }) => {
        const now = await asked(access, () => stateOf(target.id))
        return now?.['type'] === after?.['type'] ? [] : [`The type is ${JSON.stringify(now?.['type'])}.`]
      },
      undo: async (order) => await step(access, order, order.before),
    }),
  }
  /** As an adapter of a cloud: each call is metered first. */
  async function asked<Value>({ meter, credentials }: Access, call: () => Value): Promise<Value> {
    await meter.take({ api: 'instances:Describe' })
    if (credentials.cloud === 'aws' && cloud.silent.has(credentials.roleArn.split(':')[4] ?? ''))
      throw new Fault('unavailable', 'AWS does not answer.')
    return await cloud.around(async () => {
      if (cloud.readMs > 0) await new Promise((resolve) => setTimeout(resolve, cloud.readMs))
      return call()
    })
  }
  function stateOf(id: string): ActionState | undefined {
    const found = cloud.instances.get(id)
    if (found?.status === 'stopping') found.status = 'stopped'
    return found && shownOf(found)
  }
  /** One step towards a state. */
  async function step(
    access: Access,
    { target: { id }, memory }: ActionOrder,
    wanted: ActionState,
  ): Promise<ActionStep> {
    const now = await asked(access, () => cloud.instances.get(id))
    if (!now) return { state: 'refused', memory, message: 'It is gone.' }
    const going = (says: string): ActionStep => ({ state: 'going on', memory, waitSeconds: 5, says })
    const left = cloud.parts.get(id) ?? 0
    if (cloud.silentParts.delete(left)) throw new Fault('unavailable', 'The cloud does not answer.')
    if (left > 0) {
      cloud.parts.set(id, left - 1)
      return { state: 'going on', memory, waitSeconds: 0, says: `One part of ${left} is made.` }
    }
    const change = async (call: string) => await changed(access, `${id} ${call}`, memory)
    if (now.type !== wanted['type'] && !(cloud.broken.has(id) && memory['type'] === wanted['type'])) {
      if (now.status === 'running') return (await change('stop')) ?? going('It stops.')
      if (now.status === 'stopping') {
        now.status = 'stopped'
        return going('It stops.')
      }
      const later: ActionStep = { ...going('It has the type.'), memory: { ...memory, type: wanted['type'] ?? '' } }
      return (await change(`modify ${textOf(wanted['type'])}`)) ?? later
    }
    if (wanted['status'] === 'running' && now.status !== 'running')
      return (await change('start')) ?? going('It starts.')
    return { state: 'done', memory }
  }
  async function changed(
    { meter, signal }: Access,
    call: string,
    memory: ActionOrder['memory'],
  ): Promise<ActionStep | undefined> {
    await meter.take({ api: 'instances:Change' })
    const [id = ''] = call.split(' ')
    const fate = cloud.fateOf(call)
    if (fate === 'lost') throw new Fault('unavailable', 'The cloud does not answer.')
    await cloud.witness(id, call)
    const isRefused = cloud.refused.has(call)
    cloud.lastSentAt = Date.now()
    await cloud.around(() => (isRefused ? undefined : arrival(call, cloud.delayOf(call), signal)))
    if (isRefused) return { state: 'refused', memory, message: `The cloud refuses it: ${call}.` }
    if (fate === 'unanswered') throw new Fault('unavailable', 'The cloud does not answer.')
    return undefined
  }
  /** A call that was sent arrives; only its sender stops waiting when its time is over. */
  async function arrival(call: string, ms: number, signal: AbortSignal): Promise<void> {
    if (ms === 0) return apply(call)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    setTimeout(() => resolve(apply(call)), ms)
    signal.addEventListener('abort', () => reject(signal.reason as Error))
    await promise
  }
  function apply(made: string): void {
    const [id = '', ...words] = made.split(' ')
    const call = words.join(' ')
    const instance = cloud.instances.get(id)
    if (!instance) return
    cloud.changes.push(made)
    if (call === 'stop') instance.status = 'stopping'
    else if (call === 'start') instance.status = 'running'
    else if (!cloud.broken.has(id) && !cloud.endless.has(id)) instance.type = call.slice('modify '.length)
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
