import { createHash } from 'node:crypto'
import type { ActionMemory, ActionOrder, ActionState, ActionTarget } from '../effects/acting.ts'
import type { Context } from '../effects/context.ts'
import type { UndoKind } from '../kernel/action.ts'
import type { Cloud } from '../kernel/cloud.ts'
import { Fault } from '../kernel/fault.ts'
import type { Info as Execution } from './execution.ts'
import type { RequestedResource } from './request-input.ts'
import { withLine } from './execution.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    executionTargets: Table<Info>
  }
}

/**
 * `left_out`: not in the plan. `dropped`: it was, and nothing was changed. `acting`: the first change may be made. `halted`:
 * stopped half-way. `undo_failed`: it is not as before.
 */
export const states = [
  'left_out',
  'planned',
  'dropped',
  'acting',
  'done',
  'failed',
  'halted',
  'undoing',
  'restored',
  'undo_failed',
] as const
export type State = (typeof states)[number]

/** One resource of an execution, with what was there before; each step is recorded before the next. */
export interface Info {
  /** `{execution}/{number of three digits}` */
  id: string
  number: number
  provider: Cloud
  accountId: string
  /** Of `resourceOf`, to find the executions of a resource. */
  resource: string
  /** Absent: the account is not connected. */
  cloudAccountId?: string
  target: ActionTarget
  monthlyCost: RequestedResource['monthlyCost']
  state: State
  /** Why it is left out, dropped, failed or halted. */
  reason?: string
  before?: ActionState
  after?: ActionState | null
  undo?: UndoKind
  lost: string[]
  /** The data that no undo brings back, in a sentence. */
  losesData?: string
  notes: string[]
  /** Of the action, and of the plan for this resource; only of what is in the plan. */
  hash?: string | undefined
  memory: ActionMemory
  /** ISO times. */
  begunAt?: string
  endedAt?: string
  undoBegunAt?: string
  /** Of one that is `undo_failed`: it was `done`, and its undo was refused before it began. */
  isAsDone?: boolean
  undoneAt?: string
  /** Fields that an undo did not bring back, with their values of before and now. */
  notRestored?: string[]
  restoredId?: string
  /** Verifications that found a difference: a cloud shows a change late. */
  misses: number
  /** Calls of the workflow that went on, of the act or of the undo: each is a step, or several in a row. */
  steps: number
  /** ISO time: a call of a step that began earlier, and has not ended, may arrive until then. */
  callsUntil?: string | undefined
  log: string[]
  expiresAt: number
}

/** A resource by its cloud, its account and its id there. */
export interface Named {
  provider: Cloud
  accountId: string
  id: string
}

/** The same for each spelling of the id: Azure ignores the case. */
export const resourceOf = ({ provider, accountId, id }: Named): string => `${provider}/${accountId}/${id}`.toLowerCase()

export const executionIdOf = (id: string): string => id.slice(0, id.lastIndexOf('/'))

export const targetId = (executionId: string, number: number): string =>
  `${executionId}/${String(number).padStart(3, '0')}`

/** Targets on which something is changed, or may be. */
export const isBegun = ({ state }: Pick<Info, 'state'>): boolean =>
  state === 'acting' || state === 'done' || state === 'failed' || state === 'halted'

/** Something of it is changed that can be taken back. */
export const isReturnable = (target: Pick<Info, 'state' | 'undo'>): boolean =>
  (isBegun(target) || target.state === 'undoing' || target.state === 'undo_failed') && target.undo !== 'none'

/** Something of it is lost for ever: it is not done without an approval that names the resource. */
export const isIrreversible = ({ undo, losesData }: Pick<Info, 'undo' | 'losesData'>): boolean =>
  undo === 'none' || losesData !== undefined

export async function all(ctx: Context, executionId: string): Promise<Info[]> {
  return await ctx.tables.executionTargets.all(ctx.orgId, `${executionId}/`)
}

export async function load(ctx: Context, executionId: string, number: number): Promise<Info> {
  const found = await ctx.tables.executionTargets.get(ctx.orgId, targetId(executionId, number))
  if (!found) throw new Fault('not_found', `The execution ${executionId} has no target ${number}.`)
  return found
}

/** Unless the target has another state meanwhile; undefined then. */
export async function move(
  ctx: Context,
  id: string,
  from: readonly State[],
  { line, ...change }: Partial<Info> & { line?: string },
): Promise<Info | undefined> {
  const { before, after } = await ctx.tables.executionTargets.update(ctx.orgId, id, (info) => {
    if (!from.includes(info.state)) return undefined
    return { ...info, ...change, ...(line !== undefined && { log: withLine(info.log, ctx.now(), line) }) }
  })
  return before === after ? undefined : after
}

/** The order of a planned target. */
export function orderOf({ action, parameters, ...execution }: Execution, target: Info): ActionOrder {
  const { before, after } = target
  if (!before || after === undefined) throw new Error(`The target ${target.id} of ${action} has no plan`)
  const token = sha256(`${execution.id} ${target.id}`).slice(0, 32)
  return { target: target.target, parameters, before, after, token, memory: target.memory }
}

/** With sorted fields, so that equal values have equal texts. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inside: unknown) =>
    typeof inside === 'object' && inside !== null && !Array.isArray(inside)
      ? Object.fromEntries(Object.entries(inside).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inside,
  )
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** What is done to one resource: the same for the same action, state before and state after. */
export function hashOf({ action, parameters }: Pick<Execution, 'action' | 'parameters'>, target: Info): string {
  const { provider, accountId, before, after, undo, lost, losesData } = target
  return sha256(
    canonical({ action, parameters, provider, accountId, target: target.target, before, after, undo, lost, losesData }),
  )
}

/** What is approved: the hashes of all planned targets, in any order. */
export function planHashOf(hashes: readonly string[]): string {
  return sha256(canonical(hashes.toSorted()))
}

/** In bills: of the resource, and of what was made for it and is kept. */
export function billedNames({ target: { id, aliases = [] }, memory: { kept } }: Info): string[] {
  return [
    id,
    ...aliases,
    ...(Array.isArray(kept) ? kept.filter((name): name is string => typeof name === 'string') : []),
  ]
}
