import * as z from 'zod'
import { Time } from '../kernel/calendar.ts'
import * as Audit from './audit.ts'
import * as Anchors from './audit-anchors.ts'
import * as Entries from './audit-entries.ts'
import { command } from './command.ts'
import { Page, paginationOf, pagedStream } from '../effects/paged.ts'
import type { Context } from '../effects/context.ts'

const Input = Page.extend({
  action: z.string().min(1).max(128).optional().describe('An action, such as `users.change-role`, or `users.*`.'),
  actorId: z.string().min(1).max(128).optional().describe('Id of a user or API key.'),
  resourceType: z.string().min(1).max(128).optional(),
  resourceId: z.string().min(1).max(512).optional(),
  result: z.enum(['success', 'denied', 'failed', 'unknown']).optional(),
  from: Time.optional().describe('Not before this time.'),
  until: Time.optional().describe('Before this time.'),
})
type Input = z.output<typeof Input>

/** The newest first. */
export const list = command('audit.list', Input, 'read:audit', async (ctx, input) => {
  await Audit.closeTraces(ctx)
  const { page: _, pageSize: __, ...filters } = input
  const isWhole = Object.values(filters).every((value) => value === undefined)
  const { entries, total } = isWhole ? await numbered(ctx, input) : await filtered(ctx, input)
  return { entries, pagination: paginationOf(input, total) }
})

export const verification = command('audit.verify', z.strictObject({}), 'read:audit', async (ctx) => {
  await Audit.closeTraces(ctx)
  return await Anchors.verify(ctx)
})

interface Found {
  entries: Audit.Info[]
  total: number
}

/** Sequences have no gaps, so the newest one is the total. */
async function numbered(ctx: Context, { page, pageSize }: Input): Promise<Found> {
  const total = (await Entries.last(ctx))?.sequence ?? 0
  const first = total - (page - 1) * pageSize
  return { entries: first > 0 ? await Entries.before(ctx, first, pageSize) : [], total }
}

async function filtered(ctx: Context, input: Input): Promise<Found> {
  const { items, pagination } = await pagedStream(matching(ctx, input), input)
  return { entries: items, total: pagination.total }
}

async function* matching(ctx: Context, input: Input): AsyncGenerator<Audit.Info> {
  for await (const entry of Entries.walk(ctx, { descending: true })) if (matches(entry, input)) yield entry
}

const exactly = ['actorId', 'resourceType', 'resourceId', 'result'] as const

function matches(entry: Audit.Info, input: Input) {
  const { action, from, until } = input
  const at = Date.parse(entry.at)
  return (
    (action === undefined ||
      (action.endsWith('*') ? entry.action.startsWith(action.slice(0, -1)) : entry.action === action)) &&
    exactly.every((name) => input[name] === undefined || entry[name] === input[name]) &&
    (from === undefined || at >= Date.parse(from)) &&
    (until === undefined || at < Date.parse(until))
  )
}
