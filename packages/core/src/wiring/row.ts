import type * as z from 'zod'
import { parse } from '../guard/command.ts'
import type { Context } from '../effects/context.ts'
import type { Event } from '../kernel/event.ts'

/** The resources that the function of a row needs. */
export interface Needs {
  /** The engine over Parquet: the function carries DuckDB. */
  lake?: true
  /** Memory of the Lambda function; 512 MB by default. Processors grow with it. */
  memoryMb?: number
  /** Time limit of the Lambda function, at most 900 s; 60 s by default. */
  timeoutSeconds?: number
  /** Disk of the Lambda function; 512 MB by default. */
  diskMb?: number
  /** How many run at the same time on one machine; no limit by default. */
  atOnce?: number
  /** How many run at the same time on AWS at most, which are reserved for the function; no limit by default. */
  reserved?: number
}

/** A step of a workflow: JSON in, JSON out. */
export interface Step extends Needs {
  run(ctx: Context, input: unknown): Promise<unknown>
}

/** A state machine. Each Task state names its function by a placeholder, `${Normalize}`, and the step has that name. */
export interface Workflow {
  /** Amazon States Language. */
  definition: { StartAt: string; States: object }
  steps: Readonly<Record<string, Step>>
}

/** A function that an event wakes. Events come at least once: the function is idempotent by the event's id. */
export interface Subscription extends Needs {
  event: string
  run(ctx: Context, event: Event): Promise<void>
}

/** Times of the day are UTC. */
export type Rate = { everyMinutes: number } | { dailyAtHour: number }

/** A function that the clock wakes. It may end early when its time is short. */
export interface Schedule extends Needs {
  rate: Rate
  run(ctx: Context, isOutOfTime: () => boolean): Promise<unknown>
}

/** The function that takes messages from a queue. Messages come at least once: the function is idempotent by the message's id. */
export interface Consumer extends Needs {
  run(ctx: Context, message: unknown): Promise<void>
}

/** A queue with a dead-letter queue. */
export interface Queue {
  /** How many messages are worked on at the same time; at least 2 (the minimum of an SQS event source). */
  concurrency: number
  /** How long a message stays hidden while it is worked on; at least the time limit of the consumer. */
  visibilitySeconds: number
  /** After this many failures a message goes to the dead-letter queue. */
  receives: number
  consumer?: Consumer
}

/** Everything that wakes a function, but HTTP requests. */
export interface Wiring {
  /** Every event, with the schema of its data. */
  events: Readonly<Record<string, z.ZodType>>
  workflows: Readonly<Record<string, Workflow>>
  subscriptions: Readonly<Record<string, Subscription>>
  schedules: Readonly<Record<string, Schedule>>
  queues: Readonly<Record<string, Queue>>
}

/** A step whose input has this shape. Throws Fault `invalid` for any other input. */
export function step<Input extends z.ZodType>(
  input: Input,
  run: (ctx: Context, input: z.output<Input>) => Promise<unknown>,
  needs: Needs = {},
): Step {
  return { ...needs, run: async (ctx, given) => await run(ctx, parse(input, given)) }
}

/** A subscription to an event of a table of events. Throws Fault `invalid` for an event of another shape. */
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

/** The consumer of messages of this shape. Throws Fault `invalid` for any other message. */
export function consumer<Message extends z.ZodType>(
  message: Message,
  run: (ctx: Context, message: z.output<Message>) => Promise<void>,
  needs: Needs = {},
): Consumer {
  return { ...needs, run: async (ctx, given) => await run(ctx, parse(message, given)) }
}

/** A row as its function knows it. */
export type Row = { name: string; id: string } & (
  | ({ kind: 'step'; workflow: string; step: string } & Step)
  | ({ kind: 'subscription' } & Subscription)
  | ({ kind: 'schedule' } & Schedule)
  | ({ kind: 'consumer'; queue: string } & Consumer)
)

/** All rows that have a function. `name` is unique, for instance `workflows/bills/Normalize`; `id` is the same in Pascal case, without the kind. */
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

/** The row of this name. */
export function rowOf(wiring: Wiring, name: string): Row {
  const row = rowsOf(wiring).find((row) => row.name === name)
  if (!row) throw new Error(`The wiring table has no row ${name}.`)
  return row
}

/** `collect-aws`: `CollectAws`. */
export function pascal(name: string): string {
  return name.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
