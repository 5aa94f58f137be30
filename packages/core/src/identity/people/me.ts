import * as z from 'zod'
import { change, command } from '../../guard/command.ts'
import * as Organization from '../../organization/organization.ts'
import { type Permission, permissions, roles } from '../../kernel/permission.ts'
import { type AuthState, authStateOf } from '../credentials/auth-state.ts'
import * as User from './user.ts'

export const Me = z.object({
  kind: z.enum(['user', 'key', 'system']),
  user: User.Public.nullable().describe('Null for an API key.'),
  organization: z.object({ id: z.string(), name: z.string(), isDemo: z.boolean() }),
  role: z.enum(roles).nullable(),
  permissions: z.array(z.enum(permissions)).describe('Current permissions, independent of the token.'),
  secondFactorRequired: z
    .boolean()
    .describe('The organization requires a second factor and the caller has none: no permissions until it is set up.'),
})

const answers = new WeakMap<AuthState, { held: ReadonlySet<Permission>; answer: z.infer<typeof Me> }>()

/** Remembered with the auth state and permissions that it follows from. */
export const me = command('me.get', z.strictObject({}), 'member', async (ctx): Promise<z.infer<typeof Me>> => {
  const { kind, id, sessionId, role = null, permissions: held } = ctx.actor
  const state = kind === 'user' ? await authStateOf(ctx, id, sessionId) : undefined
  const known = state && answers.get(state)
  if (known?.held === held) return known.answer
  const { name, isDemo } = state?.organization ?? (await Organization.load(ctx))
  const answer = Object.freeze({
    kind: kind === 'anonymous' ? 'system' : kind,
    user: state ? User.Public.parse(state.user) : null,
    organization: { id: ctx.orgId, name, isDemo },
    role,
    permissions: [...held].toSorted(),
    secondFactorRequired: ctx.actor.lacksSecondFactor === true,
  })
  if (state) answers.set(state, { held, answer })
  return answer
})

export const updateMe = change(
  'me.update',
  z.strictObject({ fullName: User.FullName.nullable() }),
  'self',
  async (ctx, { fullName }, note) => {
    const { before, after } = await User.edit(ctx, ctx.actor.id, () => ({ fullName }))
    note({ resourceType: 'user', resourceId: ctx.actor.id, before: { fullName: before.fullName }, after: { fullName } })
    return User.Public.parse(after)
  },
)
