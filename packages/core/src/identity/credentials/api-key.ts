import * as z from 'zod'
import type { Actor } from '../../kernel/actor.ts'
import { change, command } from '../../guard/command.ts'
import type { Context } from '../../effects/context.ts'
import { Fault, invalid } from '../../kernel/fault.ts'
import { byId, Name } from '../../kernel/name.ts'
import { paged, Page } from '../../effects/paged.ts'
import { permissions, permissionsOf } from '../../kernel/permission.ts'
import * as Secret from './secret.ts'
import { forgetAuthStates } from '../../guard/auth-memory.ts'
import { authStateOf, type Holder } from './auth-state.ts'
import * as User from '../people/user.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    apiKeys: Table<Info>
  }
}

const PermissionNames = z.array(z.enum(permissions))

export const Public = z.object({
  id: z.string(),
  name: z.string(),
  permissions: PermissionNames,
  createdBy: z
    .string()
    .describe("Owner of the key. The key never exceeds the owner's permissions and ends with the owner."),
  createdAt: z.string(),
  expiresAt: z.string(),
  lastUsedAt: z.string().nullable().describe('Accurate to one hour.'),
  status: z.enum(['active', 'expired', 'revoked']),
})

export interface Info extends Omit<z.infer<typeof Public>, 'status'> {
  hash: string
  revokedAt?: string
}

const Input = z.strictObject({
  name: Name,
  permissions: PermissionNames.min(1)
    .max(permissions.length)
    .describe('At most your own permissions, never `write:identity`.'),
  expiresInDays: z.int().min(1).max(365).default(90),
})

function toPublic(key: Info, now: Date): z.infer<typeof Public> {
  const ended = key.expiresAt <= now.toISOString() ? 'expired' : 'active'
  return Public.parse({ ...key, status: key.revokedAt === undefined ? ended : 'revoked' })
}

/** Only this answer has the secret. */
export const create = change('api-keys.create', Input, 'write:identity', async (ctx, input, note) => {
  const { id: createdBy, kind, permissions: own } = ctx.actor
  if (kind !== 'user') throw new Fault('forbidden', 'An API key cannot create API keys. Sign in as a user.')
  await User.requireVerifiedEmail(ctx)
  const excess = input.permissions.filter((permission) => permission === 'write:identity' || !own.has(permission))
  if (excess.length > 0) throw invalid('permissions', 'The key', `cannot have ${excess.join(', ')}`)
  const value = Secret.random()
  const now = ctx.now()
  const shown = {
    name: input.name,
    permissions: [...new Set(input.permissions)],
    expiresAt: new Date(now.getTime() + input.expiresInDays * 24 * 3600 * 1000).toISOString(),
  }
  const key: Info = {
    ...shown,
    id: ctx.newId('key'),
    createdBy,
    createdAt: now.toISOString(),
    lastUsedAt: null,
    hash: Secret.hashOf(value),
  }
  await ctx.tables.apiKeys.put(ctx.orgId, key)
  note({ resourceType: 'api_key', resourceId: key.id, after: shown })
  return { ...toPublic(key, now), key: Secret.write('key', { orgId: ctx.orgId, id: key.id, value }) }
})

export const list = command('api-keys.list', Page, 'write:identity', async (ctx, page) => {
  const { items, pagination } = await paged(ctx.tables.apiKeys, ctx.orgId, page, { descending: true })
  return { apiKeys: items.map((key) => toPublic(key, ctx.now())), pagination }
})

export const revoke = change('api-keys.revoke', byId("The key's id."), 'write:identity', async (ctx, { id }, note) => {
  const key = await ctx.tables.apiKeys.get(ctx.orgId, id)
  if (!key) throw new Fault('not_found', `API key ${id} does not exist.`)
  await end(ctx, [key])
  note({ resourceType: 'api_key', resourceId: id, before: { name: key.name, permissions: key.permissions } })
  return { success: true }
})

export async function revokeAll(ctx: Context, userId: string): Promise<void> {
  const where = { createdBy: userId, revokedAt: undefined }
  await end(ctx, (await ctx.tables.apiKeys.select(ctx.orgId, { where })).items)
}

async function end(ctx: Context, keys: readonly Info[]) {
  for (const key of keys)
    await ctx.tables.apiKeys.put(ctx.orgId, { ...key, revokedAt: key.revokedAt ?? ctx.now().toISOString() })
  forgetAuthStates(ctx.runtime)
}

export function isLive({ revokedAt, expiresAt }: Info, now: Date): boolean {
  return revokedAt === undefined && expiresAt > now.toISOString()
}

const usedAgainMs = 3600_000

export async function holderOf(anyone: Context, token: string): Promise<Holder | undefined> {
  const secret = Secret.read('key', token)
  if (!secret) return undefined
  const ctx: Context = { ...anyone, orgId: secret.orgId }
  const key = await ctx.tables.apiKeys.get(ctx.orgId, secret.id)
  if (!key || !Secret.isSame(Secret.hashOf(secret.value), key.hash) || !isLive(key, ctx.now())) return undefined
  const authState = await authStateOf(ctx, key.createdBy)
  if (!authState) return undefined
  await markUsed(ctx, key)
  const { organization, user } = authState
  const lacksSecondFactor = organization.requireSecondFactor && !user.hasSecondFactor && user.openId === undefined
  const allowed = lacksSecondFactor ? new Set() : permissionsOf(user.role)
  const actor: Actor = {
    ...anyone.actor,
    kind: 'key',
    id: key.id,
    permissions: new Set(key.permissions.filter((permission) => allowed.has(permission))),
  }
  return { orgId: ctx.orgId, actor, authState }
}

async function markUsed(ctx: Context, { id, lastUsedAt }: Info) {
  const now = ctx.now()
  if (lastUsedAt !== null && now.getTime() - Date.parse(lastUsedAt) < usedAgainMs) return
  await ctx.tables.apiKeys.upsert(ctx.orgId, id, (found) =>
    found?.revokedAt === undefined ? found && { ...found, lastUsedAt: now.toISOString() } : undefined,
  )
}
