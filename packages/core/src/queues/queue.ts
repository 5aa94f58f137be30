import * as z from 'zod'
import { type Context, noOrganization } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { DeadLetter } from '../kernel/runtime.ts'

/** A message as a queue carries it, in JSON. The id is the same at every delivery. */
export const Message = z.object({ id: z.string(), orgId: z.string(), sentAt: z.string(), data: z.unknown() })
export type Message = z.infer<typeof Message>

/** One queue of the wiring table. */
export interface Row {
  /** Messages that are consumed at the same time, at most. */
  concurrency: number
  /** A received message is hidden from other receivers for this time. */
  visibilitySeconds: number
  /** Failed deliveries after which a message becomes a dead letter. */
  receives: number
  /** Throws to have the message delivered again. */
  consumer?: (ctx: Context, message: Message) => Promise<void>
}

/** Why a message failed last. */
interface Failure {
  /** `{queue}/{message}` */
  id: string
  error: string
  at: string
  /** Seconds since 1970; SQS keeps dead letters no longer. */
  expiresAt: number
}

declare module '../kernel/tables.ts' {
  interface Tables {
    queueFailures: Table<Failure>
  }
}

const keptSeconds = 14 * 24 * 3600
const mostErrorChars = 1000

/** The queue of the dead letters of a queue. */
export const deadLettersOf = (queue: string): string => `${queue}-dead`

/** The message in the body of a delivery. */
export function parse(body: string): Message {
  return Message.parse(JSON.parse(body))
}

/** Hands one delivery to the consumer, under the message's own organization. Logs a failure, records it for operators and throws it again. */
export async function consume(ctx: Context, queue: string, { consumer }: Row, body: string): Promise<void> {
  let message: Message | undefined
  try {
    message = parse(body)
    if (!consumer) throw new Error(`The queue ${queue} has no consumer.`)
    await consumer({ ...ctx, orgId: message.orgId, requestId: message.id }, message)
  } catch (error) {
    ctx.log.error('a message failed', { queue, messageId: message?.id, orgId: message?.orgId, error })
    if (message) await record(ctx, queue, message, error)
    throw error
  }
}

async function record(ctx: Context, queue: string, message: Message, error: unknown): Promise<void> {
  await ctx.runtime.tables.queueFailures.put(noOrganization, {
    id: `${queue}/${message.id}`,
    error: (error instanceof Error ? error.message : String(error)).slice(0, mostErrorChars),
    at: ctx.now().toISOString(),
    expiresAt: Math.floor(ctx.now().getTime() / 1000) + keptSeconds,
  })
}

/** The dead letters of a queue, each with its last error where that is known. */
export async function deadLetters(
  { runtime: { queues, tables } }: Context,
  queue: string,
  limit: number,
): Promise<(DeadLetter & { error?: string })[]> {
  const dead = await queues.deadLetters(queue, limit)
  return await Promise.all(
    dead.map(async (letter) => {
      const failure = await tables.queueFailures.get(noOrganization, `${queue}/${letter.id}`)
      return { ...letter, ...(failure && { error: failure.error }) }
    }),
  )
}

/** Throws Fault `not_found` where the queue is unknown. */
export function demand(queues: Record<string, unknown>, queue: string): void {
  if (Object.hasOwn(queues, queue)) return
  throw new Fault('not_found', `There is no queue ${queue}. The queues are: ${Object.keys(queues).join(', ')}.`)
}
