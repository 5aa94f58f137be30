import { type DeadLetter, Fault, type QueueDepth, QueueMessage, wiring } from '@cloudoptima/core'
import { queuesOf } from '../../services/bus.ts'
import { withProduct, type CommonOptions } from '../options.ts'
import { show, count, heading, instant, right, span, table } from '../output.ts'

type Dead = DeadLetter & { queue: string; error?: string | undefined }

const maxDead = 20
const maxErrorChars = 80
const names = Object.keys(queuesOf(wiring))

export async function queues({ data, json }: CommonOptions): Promise<number> {
  return await withProduct(data, async ({ ctx }) => {
    const depths = await ctx.runtime.queues.depths(names)
    const dead = await Promise.all(
      names.map(async (queue) =>
        (await QueueMessage.deadLetters(ctx, queue, maxDead)).map((letter): Dead => ({ queue, ...letter })),
      ),
    )
    return show(
      json,
      { queues: depths, deadLetters: dead.flat() },
      `${depthTable(depths)}\n${deadReport(dead.flat(), depths)}`,
    )
  })
}

export async function redrive(queue: string, { data, json }: CommonOptions): Promise<number> {
  if (!names.includes(queue))
    throw new Fault('not_found', `There is no queue ${queue}. The queues are: ${names.join(', ')}.`)
  return await withProduct(data, async ({ ctx, services }) => {
    const moved = await ctx.runtime.queues.redrive(queue)
    const messages = moved === 1 ? '1 message' : `${count(moved)} messages`
    const when = services.attached ? 'The server delivers them again now.' : 'The next start delivers them again.'
    return show(
      json,
      { queue, moved },
      moved === 0 ? `${queue} has no dead letters.` : `Moved ${messages} back to ${queue}. ${when}`,
    )
  })
}

function depthTable(depths: readonly QueueDepth[]) {
  return table(
    ['Queue', ...['Waiting', 'In flight', 'Delayed', 'Oldest', 'Dead'].map(right)],
    depths.map(({ queue, waiting, inFlight, delayed, oldestSeconds, dead }) => [
      queue,
      ...[waiting, inFlight, delayed].map(count),
      oldestSeconds === null ? '-' : span(oldestSeconds),
      count(dead),
    ]),
  )
}

function deadReport(dead: readonly Dead[], depths: readonly QueueDepth[]) {
  const all = depths.reduce((sum, depth) => sum + depth.dead, 0)
  if (all === 0) return '\nNo dead letters: no message has failed as often as its queue allows.'
  const title = `Dead letters${dead.length < all ? ` (${count(dead.length)} of ${count(all)})` : ''}`
  const lines = table(
    ['Queue', 'Message', right('Receives'), 'Sent', 'Error'],
    dead.map(({ queue, id, receives, sentAt, error = '-' }) => [
      queue,
      id,
      count(receives),
      instant(sentAt),
      beginning(error),
    ]),
  )
  return `${heading(title)}\n${lines}\nTo deliver them again: npm start -- queues redrive QUEUE`
}

function beginning(text: string) {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length <= maxErrorChars ? line : `${line.slice(0, maxErrorChars - 1)}…`
}
