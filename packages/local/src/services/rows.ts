import {
  noOrganization,
  type Context,
  type Log,
  type Rate,
  type Row,
  rowsOf,
  type Step,
  type Wiring,
} from '@cloudoptima/core'
import pLimit from 'p-limit'
import * as z from 'zod'
import type { StepFunction } from '../asl/run.ts'
import { repeat, type Repeated } from '../process/repeat.ts'
import type { Workflow } from './workflows/workflows.ts'

export type ContextOf = (given: { orgId: string; actor: string; requestId?: string }) => Context

export function workflowsOf(wiring: Wiring, contextOf: ContextOf): Record<string, Workflow> {
  const rows = rowsOf(wiring)
  return Object.fromEntries(
    Object.entries(wiring.workflows).map(([workflow, { definition }]) => {
      const steps = rows.flatMap((row) =>
        row.kind === 'step' && row.workflow === workflow ? [[row.step, stepOf(row, contextOf)] as const] : [],
      )
      return [workflow, { definition, steps: Object.fromEntries(steps) }]
    }),
  )
}

function stepOf({ name, atOnce = Number.POSITIVE_INFINITY, run }: Row & Step, contextOf: ContextOf): StepFunction {
  const inTurn = pLimit(atOnce)
  return async (input) => {
    const { orgId } = Input.parse(input)
    return await inTurn(async () => await run(contextOf({ orgId, actor: name }), input))
  }
}

const Input = z.object({ orgId: z.string() })

export interface Schedules {
  /** Resolves after its first run. */
  start(schedule: string): Promise<void>
  startAll(): void
  stop(): Promise<void>
}

export function schedulesOf({ schedules }: Wiring, contextOf: ContextOf, log: Log): Schedules {
  const started = new Map<string, Repeated>()
  const start = async (schedule: string) => {
    const row = schedules[schedule]
    const ctx = contextOf({ orgId: noOrganization, actor: `schedules/${schedule}` })
    if (row && !started.has(schedule))
      started.set(
        schedule,
        repeat(schedule, everyMs(row.rate), log, () => row.run(ctx, () => false)),
      )
    await started.get(schedule)?.first
  }
  return {
    start,
    startAll: () => Object.keys(schedules).forEach((schedule) => void start(schedule)),
    stop: async () => void (await Promise.all([...started.values()].map(({ stop }) => stop()))),
  }
}

/** A laptop sleeps at night, so a daily schedule also runs at each start. */
function everyMs(rate: Rate) {
  return ('everyMinutes' in rate ? rate.everyMinutes : 24 * 60) * 60_000
}
