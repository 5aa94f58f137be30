import type * as z from 'zod'
import { parse } from '../guard/command.ts'
import type { Context } from '../effects/context.ts'
import type { Event } from '../kernel/event.ts'

export interface Needs {
  /** DuckDB. */
  lake?: true
  /** 512 by default. Processors grow with it. */
  memoryMb?: number
  /** 60 by default, at most 900. */
  timeoutSeconds?: number
  /** 512 by default. */
  diskMb?: number
  /** On one machine; no limit by default. */
  atOnce?: number
  /** On AWS, reserved for the function; no limit by default. */
  reserved?: number
}

export interface Step extends Needs {
  run(ctx: Context, input: unknown): Promise<unknown>
}

/** Each Task state names its step by a placeholder: `${Normalize}`. */
export interface Workflow {
  /** Amazon States Language. */
  definition: { StartAt: string; States: object }
  steps: Readonly<Record<string, Step>>
}

/** At least once: idempotent by the event's id. */
export interface Subscription extends Needs {
  event: string
  run(ctx: Context, event: Event): Promise<void>
}

/** Times of the day are UTC. */
export type Rate = { everyMinutes: number } | { dailyAtHour: number }

/** It may end early when its time is short. */
export interface Schedule extends Needs {
  rate: Rate
  run(ctx: Context, isOutOfTime: () => boolean): Promise<unknown>
}

/** At least once: idempotent by the message's id. */
export interface Consumer extends Needs {
  run(ctx: Context, message: unknown): Promise<void>
}

/** With a dead-letter queue. */
export interface Queue {
  /** At least 2 (the minimum of an SQS event source). */
  concurrency: number
  /** At least the time limit of the consumer. */
  visibilitySeconds: number
  /** After so many failures a message goes to the dead-letter queue. */
  receives: number
  consumer?: Consumer
}

/** Everything that wakes a function, but HTTP requests. */
export interface Wiring {
  events: Readonly<Record<string, z.ZodType>>
  workflows: Readonly<Record<string, Workflow>>
  subscriptions: Readonly<Record<string, Subscription>>
  schedules: Readonly<Record<string, Schedule>>
  queues: Readonly<Record<string, Queue>>
}

export function step<Input extends z.ZodType>(
  input: Input,
  run: (ctx: Context, input: z.output<Input>) => Promise<unknown>,
  needs: Needs = {},
): Step {
  return { ...needs, run: async (ctx, given) => await run(ctx, parse(input, given)) }
}

export function subscription<Events extends Readonly<Record<string, z.ZodType>>, Name extends keyof Events & string>(
  events: Events,
  event: Name,
  run: (
    ctx: Context,
    event: Omit<Event, 'name' | 'data'> & { name: Name; data: z.output<Events[Name]> },
  ) => Promise<void>,
  needs: Needs = {},
): Subscription {
  const schema: z.ZodType = events[event] as z.ZodType
  return {
    ...needs,
    event,
    run: async (ctx, given) =>
      await run(ctx, { ...given, name: event, data: parse(schema, given.data) as z.output<Events[Name]> }),
  }
}

export function consumer<Message extends z.ZodType>(
  message: Message,
  run: (ctx: Context, message: z.output<Message>) => Promise<void>,
  needs: Needs = {},
): Consumer {
  return { ...needs, run: async (ctx, given) => await run(ctx, parse(message, given)) }
}

export type Row = { name: string; id: string } & (
  | ({ kind: 'step'; workflow: string; step: string } & Step)
  | ({ kind: 'subscription' } & Subscription)
  | ({ kind: 'schedule' } & Schedule)
  | ({ kind: 'consumer'; queue: string } & Consumer)
)

/** `workflows/bills/Normalize` has the id `BillsNormalize`. */
export function rowsOf({ workflows, subscriptions, schedules, queues }: Wiring): Row[] {
  const steps = Object.entries(workflows).flatMap(([workflow, { steps }]) =>
    Object.entries(steps).map(([step, row]): Row => ({
      kind: 'step',
      name: `workflows/${workflow}/${step}`,
      id: pascal(`${workflow}-${step}`),
      workflow,
      step,
      ...row,
    })),
  )
  const named = <Given extends object>(kind: string, rows: Readonly<Record<string, Given>>) =>
    Object.entries(rows).map(([name, row]) => ({ name: `${kind}/${name}`, id: pascal(name), ...row }))
  const consumers = Object.entries(queues).flatMap(([queue, { consumer }]): Row[] =>
    consumer ? [{ kind: 'consumer', name: `queues/${queue}`, id: pascal(queue), queue, ...consumer }] : [],
  )
  return [
    ...steps,
    ...named('subscriptions', subscriptions).map((row): Row => ({ kind: 'subscription', ...row })),
    ...named('schedules', schedules).map((row): Row => ({ kind: 'schedule', ...row })),
    ...consumers,
  ]
}

export function rowOf(wiring: Wiring, name: string): Row {
  const row = rowsOf(wiring).find((row) => row.name === name)
  if (!row) throw new Error(`The wiring table has no row ${name}.`)
  return row
}

/** `collect-aws`: `CollectAws`. */
export function pascal(name: string): string {
  return name.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
