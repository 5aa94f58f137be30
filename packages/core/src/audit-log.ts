import * as z from 'zod'
import * as Audit from './audit.ts'
import { command } from './command.ts'
import { Page, paged } from './page.ts'
import type { Context } from './context.ts'

const Time = z.iso.datetime({ offset: true, message: 'must be a time, such as 2024-10-01T00:00:00Z' })

const Input = Page.extend({
  action: z.string().min(1).max(128).optional().describe('Only this action, such as `users.change-role`; `users.*` for all of a noun.'),
  actorId: z.string().min(1).max(128).optional().describe('Only what this user or API key did.'),
  resourceType: z.string().min(1).max(128).optional(),
  resourceId: z.string().min(1).max(512).optional(),
  result: z.enum(['success', 'denied', 'failed', 'unknown']).optional(),
  from: Time.optional().describe('Not before this time.'),
  until: Time.optional().describe('Before this time.'),
})
type Input = z.output<typeof Input>

/** The entries that match, the newest first. */
export const list = command('audit.list', Input, 'read:audit', async (ctx, input) => {
  const found = (await whole(ctx)).filter((entry) => matches(entry, input)).toReversed()
  const { items, pagination } = paged(found, input)
  return { entries: items, pagination }
})

/** Whether the organisation's chain is whole, from its first entry to its last. */
export const verification = command('audit.verify', z.strictObject({}), 'read:audit', async (ctx) => Audit.verify(await whole(ctx)))

async function whole(ctx: Context): Promise<Audit.Info[]> {
  await Audit.settle(ctx)
  return await ctx.runtime.tables.audit.all(ctx.orgId)
}

function matches(entry: Audit.Info, { action, actorId, resourceType, resourceId, result, from, until }: Input): boolean {
  const at = Date.parse(entry.at)
  return (
    (action === undefined || (action.endsWith('*') ? entry.action.startsWith(action.slice(0, -1)) : entry.action === action)) &&
    (actorId === undefined || entry.actorId === actorId) &&
    (resourceType === undefined || entry.resourceType === resourceType) &&
    (resourceId === undefined || entry.resourceId === resourceId) &&
    (result === undefined || entry.result === result) &&
    (from === undefined || at >= Date.parse(from)) &&
    (until === undefined || at < Date.parse(until))
  )
}
