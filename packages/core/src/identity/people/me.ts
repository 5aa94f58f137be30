import * as z from 'zod'
import { change, command } from '../../guard/command.ts'
import * as Organization from '../../organization/organization.ts'
import { permissions, roles } from '../../kernel/permission.ts'
import { authStateOf } from '../credentials/auth-state.ts'
import * as User from './user.ts'

/** Who asks, and what they may do. */
export const Me = z.object({
  kind: z.enum(['user', 'key', 'system']),
  user: User.Public.nullable().describe('Null for an API key.'),
  organization: z.object({ id: z.string(), name: z.string(), isDemo: z.boolean() }),
  role: z.enum(roles).nullable(),
  permissions: z.array(z.enum(permissions)).describe('What counts now, whatever the token says.'),
  secondFactorRequired: z
    .boolean()
    .describe('The organization demands a second factor, and the caller has none: without permissions until they do.'),
})

/** The caller as we know them. */
export const me = command('me.get', z.strictObject({}), 'member', async (ctx): Promise<z.infer<typeof Me>> => {
  const { kind, id, sessionId, role = null } = ctx.actor
  // What was just read to let the caller in.
  const standing = kind === 'user' ? await authStateOf(ctx, id, sessionId) : undefined
  const { name, isDemo } = standing?.organization ?? (await Organization.load(ctx))
  return {
    kind: kind === 'anonymous' ? 'system' : kind,
    user: standing ? User.toPublic(standing.user) : null,
    organization: { id: ctx.orgId, name, isDemo },
    role,
    permissions: [...ctx.actor.permissions].toSorted(),
    secondFactorRequired: ctx.actor.lacksSecondFactor === true,
  }
})

/** Changes what one may say of oneself. */
export const updateMe = change(
  'me.update',
  z.strictObject({ fullName: User.FullName.nullable() }),
  'self',
  async (ctx, { fullName }, note) => {
    const { before, after } = await User.edit(ctx, ctx.actor.id, () => ({ fullName }))
    note({ resourceType: 'user', resourceId: ctx.actor.id, before: { fullName: before.fullName }, after: { fullName } })
    return User.toPublic(after)
  },
)
