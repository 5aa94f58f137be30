import * as z from 'zod'
import { type Context, noOrganization } from '../effects/context.ts'
import { Fault, messageOf } from '../kernel/fault.ts'
import type { DeadLetter } from '../effects/runtime.ts'
import type { Consumer } from './row.ts'

/** The id is the same at every delivery. */
export const Info = z.object({ id: z.string(), orgId: z.string(), sentAt: z.string(), data: z.unknown() })
export type Info = z.infer<typeof Info>

interface Failure {
  /** `{queue}/{message}` */
  id: string
  error: string
  at: string
  /** SQS keeps dead letters no longer. */
  expiresAt: number
}

declare module '../effects/tables.ts' {
  interface Tables {
    queueFailures: Table<Failure>
  }
}

const keptSeconds = 14 * 24 * 3600
const mostErrorChars = 1000

export const deadQueueOf = (queue: string): string => `${queue}-dead`

/** Undefined if the body is no message of this product. */
export function read(body: string): Info | undefined {
  try {
    return Info.safeParse(JSON.parse(body)).data
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Records a failure and throws it, so that the message is delivered again. */
export async function consume(
  contextOf: (given: { orgId: string; requestId: string }) => Context,
  queue: string,
  { run }: Consumer,
  body: string,
): Promise<void> {
  const message = read(body)
  const ctx = contextOf({ orgId: message?.orgId ?? noOrganization, requestId: message?.id ?? 'unreadable' })
  try {
    if (!message) throw new Fault('invalid', `The queue ${queue} holds a message that this product did not send.`)
    await run(ctx, message.data)
  } catch (error) {
    ctx.log.error('a message failed', { queue, messageId: message?.id, orgId: ctx.orgId, error })
    if (message) await record(ctx, queue, message.id, error)
    throw error
  }
}

async function record({ tables, now }: Context, queue: string, messageId: string, error: unknown) {
  await tables.queueFailures.put(noOrganization, {
    id: `${queue}/${messageId}`,
    error: messageOf(error).slice(0, mostErrorChars),
    at: now().toISOString(),
    expiresAt: Math.floor(now().getTime() / 1000) + keptSeconds,
  })
}

export function letterOf(body: string, known: { id: string; sentMs: number; receives: number }): DeadLetter {
  const unreadable = { id: known.id, orgId: noOrganization, sentAt: new Date(known.sentMs).toISOString() }
  const { id, orgId, sentAt } = read(body) ?? unreadable
  return { id, orgId, sentAt, receives: known.receives }
}

/** With their last errors, if known. */
export async function deadLetters(
  { tables, runtime: { queues } }: Context,
  queue: string,
  limit: number,
): Promise<(DeadLetter & { error?: string | undefined })[]> {
  const dead = await queues.deadLetters(queue, limit)
  return await Promise.all(
    dead.map(async (letter) => {
      const failure = await tables.queueFailures.get(noOrganization, `${queue}/${letter.id}`)
      return { ...letter, error: failure?.error }
    }),
  )
}
