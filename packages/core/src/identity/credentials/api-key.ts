import * as z from 'zod'
import type { Actor } from '../../kernel/actor.ts'
import { change, command } from '../../guard/command.ts'
import type { Context } from '../../effects/context.ts'
import { Fault } from '../../kernel/fault.ts'
import { Name } from '../../kernel/name.ts'
import { Page, paged } from '../../kernel/page.ts'
import { permissions, permissionsOf } from '../../kernel/permission.ts'
import * as Secret from './secret.ts'
import { forgetAuthStates } from '../../guard/auth-memory.ts'
import { type AuthState, authStateOf } from './auth-state.ts'
import * as User from '../people/user.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    apiKeys: Table<Info>
  }
}

const PermissionName = z.enum(permissions)

/** An API key without its secret. */
export const Public = z.object({
  id: z.string(),
  name: z.string(),
  permissions: z.array(PermissionName),
  createdBy: z
    .string()
    .describe("Owner of the key. The key never exceeds the owner's permissions and ends with the owner."),
  createdAt: z.string(),
  expiresAt: z.string(),
  lastUsedAt: z.string().nullable().describe('Accurate to one hour.'),
  status: z.enum(['active', 'expired', 'revoked']),
})

/** A stored key. */
export interface Info extends Omit<z.infer<typeof Public>, 'status'> {
  hash: string
  revokedAt?: string
}

const maxDays = 365

const Input = z.strictObject({
  name: Name,
  permissions: z
    .array(PermissionName)
    .min(1)
    .max(permissions.length)
    .describe('At most your own permissions, never `write:identity`.'),
  expiresInDays: z.number().int().min(1).max(maxDays).default(90),
})

function toPublic(key: Info, now: Date): z.infer<typeof Public> {
  const ended = key.expiresAt <= now.toISOString() ? 'expired' : 'active'
  return Public.parse({ ...key, status: key.revokedAt === undefined ? ended : 'revoked' })
}

/** Creates a key and returns its secret, once. API keys cannot create API keys. */
export const create = change('api-keys.create', Input, 'write:identity', async (ctx, input, note) => {
  if (ctx.actor.kind !== 'user') throw new Fault('forbidden', 'An API key cannot create API keys. Sign in as a user.')
  await User.requireVerifiedEmail(ctx)
  const excess = input.permissions.filter(
    (permission) => permission === 'write:identity' || !ctx.actor.permissions.has(permission),
  )
  if (excess.length > 0) {
    throw new Fault('invalid', `The key cannot have ${excess.join(', ')}.`, [
      { path: 'permissions', message: `cannot have ${excess.join(', ')}` },
    ])
  }
  const value = Secret.random()
  const now = ctx.now()
  const key: Info = {
    id: ctx.newId('key'),
    name: input.name,
    permissions: [...new Set(input.permissions)],
    createdBy: ctx.actor.id,
    createdAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + input.expiresInDays * 24 * 3600 * 1000).toISOString(),
    lastUsedAt: null,
    hash: Secret.hashOf(value),
  }
  await ctx.tables.apiKeys.put(ctx.orgId, key)
  note({
    resourceType: 'api_key',
    resourceId: key.id,
    after: { name: key.name, permissions: key.permissions, expiresAt: key.expiresAt },
  })
  return { ...toPublic(key, now), key: Secret.write('key', { orgId: ctx.orgId, id: key.id, value }) }
})

/** Keys of the organization, the newest first. */
export const list = command('api-keys.list', Page, 'write:identity', async (ctx, page) => {
  const { items, pagination } = paged((await ctx.tables.apiKeys.all(ctx.orgId)).toReversed(), page)
  return { apiKeys: items.map((key) => toPublic(key, ctx.now())), pagination }
})

const ById = z.strictObject({ id: z.string().min(1).max(128).describe("The key's id.") })

export const revoke = change('api-keys.revoke', ById, 'write:identity', async (ctx, { id }, note) => {
  const key = await ctx.tables.apiKeys.get(ctx.orgId, id)
  if (!key) throw new Fault('not_found', `API key ${id} does not exist.`)
  await ctx.tables.apiKeys.put(ctx.orgId, { ...key, revokedAt: key.revokedAt ?? ctx.now().toISOString() })
  forgetAuthStates(ctx.runtime)
  note({ resourceType: 'api_key', resourceId: id, before: { name: key.name, permissions: key.permissions } })
  return { success: true }
})

/** Revokes all keys of a user. */
export async function revokeAll(ctx: Context, userId: string): Promise<void> {
  const keys = (await ctx.tables.apiKeys.all(ctx.orgId)).filter(
    ({ createdBy, revokedAt }) => createdBy === userId && revokedAt === undefined,
  )
  for (const key of keys) await ctx.tables.apiKeys.put(ctx.orgId, { ...key, revokedAt: ctx.now().toISOString() })
  forgetAuthStates(ctx.runtime)
}

/** Neither revoked nor expired. */
export function isLive({ revokedAt, expiresAt }: Info, now: Date): boolean {
  return revokedAt === undefined && expiresAt > now.toISOString()
}

const usedAgainMs = 3600_000

/** The actor of an API key; undefined if the key or its owner is not active. */
export async function actorOf(
  anyone: Context,
  token: string,
): Promise<{ orgId: string; actor: Actor; authState: AuthState } | undefined> {
  const secret = Secret.read('key', token)
  if (!secret) return undefined
  const ctx: Context = { ...anyone, orgId: secret.orgId }
  const key = await ctx.tables.apiKeys.get(ctx.orgId, secret.id)
  if (!key || !Secret.isSame(Secret.hashOf(secret.value), key.hash)) return undefined
  if (!isLive(key, ctx.now())) return undefined
  const authState = await authStateOf(ctx, key.createdBy)
  if (!authState) return undefined
  await markUsed(ctx, key)
  const { requireSecondFactor } = authState.organization
  const lacksSecondFactor =
    requireSecondFactor && !authState.user.hasSecondFactor && authState.user.openId === undefined
  const allowed = lacksSecondFactor ? new Set() : permissionsOf(authState.user.role)
  const actor: Actor = {
    ...anyone.actor,
    kind: 'key',
    id: key.id,
    permissions: new Set(key.permissions.filter((permission) => allowed.has(permission))),
  }
  return { orgId: ctx.orgId, actor, authState }
}

async function markUsed(ctx: Context, key: Info): Promise<void> {
  const now = ctx.now()
  if (key.lastUsedAt !== null && now.getTime() - Date.parse(key.lastUsedAt) < usedAgainMs) return
  await ctx.tables.apiKeys.upsert(ctx.orgId, key.id, (found) =>
    found === undefined || found.revokedAt !== undefined ? undefined : { ...found, lastUsedAt: now.toISOString() },
  )
}
