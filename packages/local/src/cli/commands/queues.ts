import { type Context, type DeadLetter, Fault, type QueueDepth, QueueMessage, wiring } from '@cloudoptima/core'
import { queuesOf } from '../../services/bus.ts'
import { withProduct } from '../open.ts'
import { count, heading, span, table } from '../text.ts'

interface Options {
  data: string
  json?: boolean
}

type Dead = DeadLetter & { queue: string; error?: string }

const most = 20
const mostErrorChars = 80
const names = Object.keys(queuesOf(wiring))

/** Shows the depth and the dead letters of each queue. */
export async function queues({ data, json }: Options): Promise<number> {
  return await withProduct(data, async ({ ctx }) => {
    const depths = await ctx.runtime.queues.depths(names)
    const dead = (await Promise.all(depths.map(async ({ queue }) => await deadOf(ctx, queue)))).flat()
    if (json) process.stdout.write(`${JSON.stringify({ queues: depths, deadLetters: dead })}\n`)
    else process.stdout.write(`${depthTable(depths)}\n${deadReport(dead, depths)}`)
    return 0
  })
}

/** Moves the dead letters of a queue back to it. */
export async function redrive(queue: string, { data, json }: Options): Promise<number> {
  if (!names.includes(queue))
    throw new Fault('not_found', `There is no queue ${queue}. The queues are: ${names.join(', ')}.`)
  return await withProduct(data, async ({ ctx, services }) => {
    const moved = await ctx.runtime.queues.redrive(queue)
    if (json) process.stdout.write(`${JSON.stringify({ queue, moved })}\n`)
    else if (moved === 0) process.stdout.write(`${queue} has no dead letters.\n`)
    else {
      const when = services.attached ? 'The server delivers them again now.' : 'The next start delivers them again.'
      process.stdout.write(`Moved ${messages(moved)} back to ${queue}. ${when}\n`)
    }
    return 0
  })
}

async function deadOf(ctx: Context, queue: string): Promise<Dead[]> {
  return (await QueueMessage.deadLetters(ctx, queue, most)).map((letter) => ({ queue, ...letter }))
}

function depthTable(depths: readonly QueueDepth[]): string {
  const right = 'right' as const
  return table(
    [
      { title: 'Queue' },
      { title: 'Waiting', align: right },
      { title: 'In flight', align: right },
      { title: 'Delayed', align: right },
      { title: 'Oldest', align: right },
      { title: 'Dead', align: right },
    ],
    depths.map(({ queue, waiting, inFlight, delayed, oldestSeconds, dead }) => [
      queue,
      ...[waiting, inFlight, delayed].map(count),
      oldestSeconds === null ? '-' : span(oldestSeconds),
      count(dead),
    ]),
  )
}

function deadReport(dead: readonly Dead[], depths: readonly QueueDepth[]): string {
  const all = depths.reduce((sum, depth) => sum + depth.dead, 0)
  if (all === 0) return '\nNo dead letters: no message has failed as often as its queue allows.\n'
  const title = `Dead letters${dead.length < all ? ` (${count(dead.length)} of ${count(all)})` : ''}`
  const lines = table(
    [
      { title: 'Queue' },
      { title: 'Message' },
      { title: 'Receives', align: 'right' },
      { title: 'Sent' },
      { title: 'Error' },
    ],
    dead.map(({ queue, id, receives, sentAt, error }) => [
      queue,
      id,
      count(receives),
      sentAt.slice(0, 19).replace('T', ' '),
      error === undefined ? '-' : beginning(error),
    ]),
  )
  return `${heading(title)}\n${lines}\nTo deliver them again: npm start -- queues redrive QUEUE\n`
}

function beginning(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length <= mostErrorChars ? line : `${line.slice(0, mostErrorChars - 1)}…`
}

function messages(n: number): string {
  return n === 1 ? '1 message' : `${count(n)} messages`
}
