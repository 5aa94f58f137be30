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
import type { LocalBus } from './bus.ts'
import type { Workflow } from './workflows.ts'

/** Makes the context of a row's function. */
export type ContextOf = (given: { orgId: string; actor: string; requestId?: string }) => Context

/** The workflows of the table; on AWS each step is a function of its own. */
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

/** The subscriptions and schedules of this process. */
export interface Running {
  /** When the first run of a schedule has ended. */
  first(schedule: string): Promise<void>
  /** Stops the schedules and waits for the functions that run. */
  stop(): Promise<void>
}

/** Subscribes the functions of the table to the bus, and starts its schedules. */
export function startRows(
  wiring: Wiring,
  { subscribe, contextOf, log }: { subscribe: LocalBus['subscribe']; contextOf: ContextOf; log: Log },
): Running {
  const schedules = new Map<string, Repeated>()
  const delivering = new Set<Promise<void>>()
  for (const row of rowsOf(wiring)) {
    if (row.kind === 'schedule') {
      const run = async () => await row.run(contextOf({ orgId: noOrganization, actor: row.name }), () => false)
      schedules.set(row.name, repeat(row.name, everyMs(row.rate), log, run))
    }
    if (row.kind === 'subscription') {
      // The publisher neither waits for the function nor learns from the time that it takes.
      subscribe(row.event, (event) => {
        const delivered = row
          .run(contextOf({ orgId: event.orgId, actor: row.name, requestId: event.id }), event)
          .catch((error: unknown) => log.error('a subscriber failed', { event: event.name, eventId: event.id, error }))
          .finally(() => delivering.delete(delivered))
        delivering.add(delivered)
        return Promise.resolve()
      })
    }
  }
  return {
    first: async (schedule) => await schedules.get(`schedules/${schedule}`)?.first,
    async stop() {
      for (const schedule of schedules.values()) await schedule.stop()
      await Promise.all(delivering)
    },
  }
}

/** A daily schedule runs at each start and a day after its last run: a laptop sleeps at night. */
function everyMs(rate: Rate): number {
  return ('everyMinutes' in rate ? rate.everyMinutes : 24 * 60) * 60_000
}
