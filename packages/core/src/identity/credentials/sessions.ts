import * as z from 'zod'
import { change, command } from '../../guard/command.ts'
import { Fault } from '../../kernel/fault.ts'
import { pagedStream, Page } from '../../effects/paged.ts'
import { byId } from '../../kernel/name.ts'
import { liveOf, revoke, revokeAll } from './session.ts'

export const logout = change('auth.logout', z.strictObject({}), 'self', async (ctx, _, note) => {
  const { sessionId } = ctx.actor
  if (sessionId === undefined)
    throw new Fault('conflict', "This token is from your organization's issuer: sign out there.")
  await revoke(ctx, { id: sessionId }, 'logout')
  note({ resourceType: 'session', resourceId: sessionId })
  return { success: true }
})

export const Public = z.object({
  id: z.string(),
  method: z.enum(['password', 'openid', 'invitation', 'registration', 'command-line']),
  createdAt: z.string(),
  lastUsedAt: z.string().describe('Last token refresh.'),
  expiresAt: z.string(),
  ipAddress: z.string().nullable(),
  userAgent: z.string().nullable(),
  isCurrent: z.boolean().describe('Whether this request uses it.'),
})

export const list = command('sessions.list', Page, 'self', async (ctx, page) => {
  const { items, pagination } = await pagedStream(liveOf(ctx, ctx.actor.id), page)
  const sessions = items.map((session) =>
    Public.parse({
      ipAddress: null,
      userAgent: null,
      ...session,
      expiresAt: new Date(Math.min(session.idleUntil, session.expiresAt) * 1000).toISOString(),
      isCurrent: session.id === ctx.actor.sessionId,
    }),
  )
  return { sessions, pagination }
})

export const end = change('sessions.end', byId("The session's id."), 'self', async (ctx, { id }, note) => {
  const session = await ctx.tables.sessions.get(ctx.orgId, id)
  if (session?.userId !== ctx.actor.id) throw new Fault('not_found', `Session ${id} does not exist.`)
  await revoke(ctx, session, 'ended')
  note({ resourceType: 'session', resourceId: id })
  return { success: true }
})

export const endOthers = change('sessions.end-others', z.strictObject({}), 'self', async (ctx, _, note) => {
  const ended = await revokeAll(ctx, ctx.actor.id, 'ended', ctx.actor.sessionId)
  note({ resourceType: 'user', resourceId: ctx.actor.id, after: { ended } })
  return { ended }
})
