import * as MailedToken from './mailed-token.ts'
import * as z from 'zod'
import { change, type Change } from '../../guard/command.ts'
import { asUser, type Context } from '../../effects/context.ts'
import { Fault, onConflict } from '../../kernel/fault.ts'
import { event } from '../../effects/relay.ts'
import * as ApiKey from '../credentials/api-key.ts'
import * as Email from '../people/email.ts'
import * as Lockout from './lockout.ts'
import * as Password from './password.ts'
import { checkSecondFactor, lookUp, checkPassword } from './recognition.ts'
import * as Session from '../credentials/session.ts'
import * as Totp from './totp.ts'
import * as User from '../people/user.ts'
import { setTimeout } from 'node:timers/promises'

const Input = z.strictObject({
  email: Email.Email,
  password: Password.Given,
  totpCode: Totp.Code.optional().describe('Code of the authenticator app or recovery code, if a second factor is on.'),
})

export const login = constantTime(
  change('auth.login', Input, 'public', async (anyone, { email, password, totpCode }, note) => {
    const emailHash = Email.hashOf(email)
    const [counted, found] = await Promise.all([Lockout.attempt(anyone, emailHash), lookUp(anyone, emailHash)])
    const { ctx, user, credentials } = await checkPassword(anyone, found, password, note)
    const factors = await checkSecondFactor(ctx, user, credentials, totpCode, note)
    note({ after: { factors } })
    // Corrects `hasSecondFactor`, which a crash can leave outdated.
    const isWithout = user.hasSecondFactor && factors.length === 1
    const lastLogin = ctx.now().toISOString()
    const [{ after }] = await Promise.all([
      User.edit(ctx, user.id, () => ({ lastLogin, ...(isWithout && { hasSecondFactor: false }) })),
      counted.succeeded(),
    ])
    let latest = credentials
    const tokens = await Session.open(ctx, after, 'password', async () => {
      latest = await User.credentialsOf(ctx, user.id)
      return latest.passwordHash === credentials.passwordHash
    })
    await rehash(ctx, latest, password)
    return tokens
  }),
)

async function rehash(ctx: Context, credentials: User.Credentials, password: string) {
  if (credentials.passwordHash === undefined || !(await ctx.runtime.passwords.needsRehash(credentials.passwordHash)))
    return
  const passwordHash = await ctx.runtime.passwords.hash(password)
  // Changed concurrently: the next sign-in rehashes.
  await onConflict(User.saveCredentials(ctx, { ...credentials, passwordHash }), () => undefined)
}

const done = { success: true } as const

export const forgotPassword = constantTime(
  change('auth.forgot-password', z.strictObject({ email: Email.Email }), 'public', async (anyone, { email }) => {
    await MailedToken.request(anyone, 'reset-password', Email.hashOf(email))
    return done
  }),
)

/** The token verifies the address too. */
export const resetPassword = change(
  'auth.reset-password',
  MailedToken.Input.extend({ newPassword: Password.Chosen }),
  'public',
  async (anyone, { token, newPassword }, note) => {
    const { ctx, userId } = await MailedToken.redeem(anyone, 'reset-password', token, async (ctx, userId) => {
      await Password.check(newPassword, 'newPassword', [(await User.load(ctx, userId)).email])
      note({ resourceType: 'user', resourceId: userId }, asUser(ctx, userId))
    })
    const changedBy = ctx.newId('chg')
    const user = await User.load(ctx, userId)
    // An unverified account may be another person's: remove second factor (it would lock the owner out) and API keys.
    if (!user.emailVerified) await Totp.forget(ctx, userId, changedBy)
    await setPassword(ctx, user, newPassword)
    if (!user.emailVerified) await ApiKey.revokeAll(ctx, userId)
    // Last, so that a retry after a crash repeats all of the above.
    await User.edit(ctx, userId, () => ({ emailVerified: true }))
    await Lockout.forgive(anyone, Email.hashOf(user.email))
    return done
  },
)

export const changePassword = change(
  'auth.change-password',
  z.strictObject({ currentPassword: Password.Given, newPassword: Password.Chosen }),
  'self',
  async (ctx, { currentPassword, newPassword }, note) => {
    const changedBy = ctx.newId('chg')
    // On a retry the current password is already the new one.
    const isAgain = (await User.credentialsOf(ctx, ctx.actor.id)).changedBy === changedBy
    if (!isAgain) await Totp.requirePassword(ctx, currentPassword, 'currentPassword')
    await setPassword(ctx, await User.load(ctx, ctx.actor.id), newPassword, changedBy, ctx.actor.sessionId)
    note({ resourceType: 'user', resourceId: ctx.actor.id })
    return done
  },
)

async function setPassword(ctx: Context, user: User.Info, password: string, changedBy?: string, keptSession?: string) {
  await Password.check(password, 'newPassword', [user.email])
  const passwordHash = await ctx.runtime.passwords.hash(password)
  const old = await User.credentialsOf(ctx, user.id)
  const credentials = { ...old, passwordHash, changedBy: changedBy ?? old.changedBy }
  const requested = event(ctx, 'mail.requested', { kind: 'password-changed', to: Email.hashOf(user.email) })
  await User.saveCredentials(ctx, credentials, [requested])
  await Session.revokeAll(ctx, user.id, 'password-changed', keptSession)
}

export const verifyEmail = change('auth.verify-email', MailedToken.Input, 'public', async (anyone, { token }, note) => {
  const { ctx, userId } = await MailedToken.redeem(anyone, 'verify-email', token, async (ctx, userId) =>
    note({ resourceType: 'user', resourceId: userId }, asUser(ctx, userId)),
  )
  await User.edit(ctx, userId, () => ({ emailVerified: true }))
  note({ after: { emailVerified: true } })
  return done
})

export const resendVerification = change(
  'auth.resend-verification',
  z.strictObject({}),
  'self',
  async (ctx, _, note) => {
    const { email, emailVerified } = await User.load(ctx, ctx.actor.id)
    if (emailVerified) throw new Fault('conflict', 'This address is already confirmed.')
    await MailedToken.request(ctx, 'verify-email', Email.hashOf(email))
    note({ resourceType: 'user', resourceId: ctx.actor.id })
    return done
  },
)

const floorMs = 300

/** Hides from the caller whether the account exists. */
export function constantTime<Schema extends z.ZodType, Output>(run: Change<Schema, Output>): Change<Schema, Output> {
  const { id, schema, permission, admit, changes } = run
  return Object.assign(
    async (ctx: Context, input: z.input<Schema>) => {
      const floor = setTimeout(floorMs)
      try {
        return await run(ctx, input)
      } finally {
        await floor
      }
    },
    { id, schema, permission, admit, changes },
  )
}
