import { setTimeout as sleep } from 'node:timers/promises'
import { type Context, Executions, ExecutionStop, Recommendations } from '@cloudoptima/core'
import { contextAs } from '../../organization.ts'
import type { Services } from '../../services/boot.ts'
import { type ActingOptions, type CommonOptions, withProduct } from '../options.ts'
import { count, note, show, style } from '../output.ts'
import { onWire } from './costs.ts'
import { approversOf } from './approvers.ts'
import { type Execution, executionText, listText, type Names } from './execution-text.ts'

type Stage = (typeof Executions.statuses)[number]

interface ListOptions extends CommonOptions {
  stage?: Stage
  limit: number
}

/** The newest executions, or one with its plan and its log. */
export async function executions(id: string | undefined, { data, json, stage, limit }: ListOptions): Promise<number> {
  return await withProduct(data, async ({ ctx }) => {
    if (id !== undefined) {
      const one = await Executions.get(ctx, { id })
      return show(json, onWire('executions.get', one), executionText(one, await namesIn(ctx, [one])))
    }
    const answer = await Executions.list(ctx, { stage, pageSize: Math.min(limit, 100) })
    const names = await namesIn(ctx, answer.executions)
    const text = listText(answer.executions, answer.pagination.total, names)
    return show(json, onWire('executions.list', answer), text)
  })
}

/** E-mail addresses of the people that executions name. */
export async function namesIn(
  ctx: Context,
  shown: readonly Pick<Execution, 'requestedBy' | 'approvals'>[],
): Promise<Names> {
  const people = shown.flatMap(({ requestedBy, approvals }) => [requestedBy, ...approvals.map(({ by }) => by)])
  const ids = new Set([...people, ...(JSON.stringify(shown).match(/\busr_\w+/g) ?? [])])
  return new Map(await Promise.all([...ids].map(async (id) => [id, await Executions.personOf(ctx, id)] as const)))
}

/** Where an execution that goes on is seen, or that nothing goes on without a server. */
export function hint({ attached }: Pick<Services, 'attached'>, { id, stage }: Pick<Execution, 'id' | 'stage'>): string {
  const goesOn = (['planning', 'waiting', 'executing', 'rolling_back'] as const).some((one) => one === stage)
  if (!goesOn) return ''
  return attached
    ? `See how it goes on: npm start -- executions ${id}`
    : 'No server runs on this data folder: npm start goes on with it.'
}

const patienceMs = 60_000
const pauseMs = 500

/** The execution once the server has planned it. */
async function planned(ctx: Context, id: string, { attached }: Services): Promise<Execution> {
  const until = performance.now() + patienceMs
  for (;;) {
    const execution = await Executions.get(ctx, { id })
    if (execution.stage !== 'planning' || !attached || performance.now() > until) return execution
    await sleep(pauseMs)
  }
}

interface ApplyOptions extends ActingOptions {
  dryRun?: boolean
  at?: string
}

/** Requests an execution of a recommendation, and shows its plan. */
export async function apply(id: string, { data, json, as, dryRun, at }: ApplyOptions): Promise<number> {
  return await withProduct(data, async ({ ctx: shown, services }) => {
    const ctx = await contextAs(shown, as)
    const answer = await Recommendations.apply(ctx, { id, dryRun, schedule: at })
    if (json) return show(json, onWire('recommendations.apply', answer), '')
    const { executionId } = answer
    note(`Requested the execution ${executionId}.`)
    const execution = await planned(ctx, executionId, services)
    const [approver = 'EMAIL'] = await approversOf(ctx, execution)
    const next =
      execution.stage === 'awaiting_approval'
        ? `Another person approves it: npm start -- approve ${executionId} --as ${approver}`
        : hint(services, execution)
    const lines = [executionText(execution, await namesIn(ctx, [execution])), style.dim(next)]
    return show(json, execution, lines.join('\n').trimEnd())
  })
}

/** Takes back what an execution has changed. */
export async function rollBack(
  id: string,
  { data, json, as, reason }: ActingOptions & { reason?: string },
): Promise<number> {
  return await withProduct(data, async ({ ctx: shown, services }) => {
    const ctx = await contextAs(shown, as)
    const execution = await Executions.rollback(ctx, { id, reason })
    const lines = [
      executionText(execution, await namesIn(ctx, [execution])),
      `The rollback is requested. ${hint(services, execution)}`.trimEnd(),
    ]
    return show(json, onWire('executions.rollback', execution), lines.join('\n'))
  })
}

/** The stop switch. */
export async function stop(reason: string, { data, json, as }: ActingOptions): Promise<number> {
  return await withProduct(data, async ({ ctx: shown }) => {
    const answer = await ExecutionStop.stop(await contextAs(shown, as), { reason })
    const { length } = answer.executions
    const halted = length === 1 ? '1 execution was halted.' : `${count(length)} executions were halted.`
    const lines = [
      `Executions are stopped. ${halted}`,
      ...answer.executions,
      'To allow them again: npm start -- resume',
    ]
    return show(json, onWire('organization.stop', answer), lines.join('\n'))
  })
}

export async function resume({ data, json, as }: ActingOptions): Promise<number> {
  return await withProduct(data, async ({ ctx: shown }) => {
    const answer = await ExecutionStop.resume(await contextAs(shown, as), {})
    return show(json, onWire('organization.resume', answer), 'Executions are allowed again. Halted ones stay halted.')
  })
}
