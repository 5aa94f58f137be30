import { Secret as TotpSecret, TOTP } from 'otpauth'
import * as z from 'zod'
import type * as Audit from '../../guard/audit-entry.ts'
import { change } from '../../guard/command.ts'
import type { Context } from '../../effects/context.ts'
import * as Envelope from '../../guard/envelope.ts'
import { Fault, invalid, onConflict } from '../../kernel/fault.ts'
import * as Lockout from './lockout.ts'
import * as Password from './password.ts'
import * as Secret from '../credentials/secret.ts'
import * as User from '../people/user.ts'

const periodSeconds = 30

export const Code = z.string().trim().min(6).max(64)

function totpOf(user: User.Info, secret: string): TOTP {
  return new TOTP({
    issuer: 'CloudOptima',
    label: user.email,
    period: periodSeconds,
    secret: TotpSecret.fromBase32(secret),
  })
}

const purposeOf = (userId: string) => `totp/${userId}`

/**
 * RFC 6238, one step of tolerance; recovery codes once. Throws Fault `rate_limited` after 5 wrong codes from any
 * network.
 */
export async function spend(
  ctx: Context,
  user: User.Info,
  credentials: User.Credentials,
  code: string,
  changedBy = credentials.changedBy,
): Promise<boolean> {
  if (!credentials.totp) return false
  const counted = await countAttempt(ctx, user.id)
  const totp = await consume(ctx, user, credentials.totp, code)
  if (!totp) return false
  const saved = User.saveCredentials(ctx, { ...credentials, changedBy, totp }).then(() => true)
  const isGood = await onConflict(saved, () => false)
  if (isGood) await counted.succeeded()
  return isGood
}

/** Before the check, for all networks together: the caller already knows the password or holds a session. */
async function countAttempt(ctx: Context, userId: string) {
  return await Lockout.attempt(ctx, userId, 'second-factor')
}

async function consume(ctx: Context, user: User.Info, totp: User.Totp, code: string) {
  const hash = Secret.hashOf(code.toLowerCase())
  const recovery = totp.recovery.filter((kept) => !Secret.isSame(kept, hash))
  if (recovery.length < totp.recovery.length) return { ...totp, recovery }
  const lastStep = await stepOf(ctx, user, totp, code)
  return lastStep !== undefined && lastStep > totp.lastStep ? { ...totp, lastStep } : undefined
}

async function stepOf(ctx: Context, user: User.Info, { sealedSecret }: User.Totp, token: string) {
  if (!/^\d{6}$/.test(token)) return undefined
  const timestamp = ctx.now().getTime()
  const totp = totpOf(user, await Envelope.open(ctx, purposeOf(user.id), sealedSecret))
  const delta = totp.validate({ token, timestamp, window: 1 })
  return delta === null ? undefined : Math.floor(timestamp / 1000 / periodSeconds) + delta
}

/** A stolen session cannot change credentials. Throws Fault `forbidden`. */
export async function requirePassword(ctx: Context, password: string, path = 'password'): Promise<User.Credentials> {
  const counted = await Lockout.attempt(ctx, ctx.actor.id)
  const credentials = await User.credentialsOf(ctx, ctx.actor.id)
  if (await Password.verify(ctx, credentials.passwordHash, password)) {
    await counted.succeeded()
    return credentials
  }
  throw new Fault('forbidden', 'The password is wrong.', [{ path, message: 'is wrong' }])
}

const Begin = z.strictObject({ password: Password.Given })

export const begin = change('totp.begin', Begin, 'self', async (ctx, { password }, note) => {
  const credentials = await requirePassword(ctx, password)
  if (credentials.totp?.isConfirmed) throw new Fault('conflict', 'A second factor is already on. Switch it off first.')
  const user = await User.load(ctx, ctx.actor.id)
  const secret = new TotpSecret({ size: 20 }).base32
  const sealedSecret = await Envelope.seal(ctx, purposeOf(user.id), secret)
  const totp = { sealedSecret, isConfirmed: false, lastStep: 0, recovery: [] }
  await User.saveCredentials(ctx, { ...credentials, totp })
  note({ resourceType: 'user', resourceId: user.id })
  return { secret, uri: totpOf(user, secret).toString() }
})

export const confirm = change('totp.confirm', z.strictObject({ code: Code }), 'self', async (ctx, { code }, note) => {
  const changedBy = ctx.newId('chg')
  const user = await User.load(ctx, ctx.actor.id)
  const credentials = await User.credentialsOf(ctx, user.id)
  const { totp } = credentials
  // A retry gets new recovery codes.
  const isAgain = totp?.isConfirmed === true && credentials.changedBy === changedBy
  if (!totp || (totp.isConfirmed && !isAgain))
    throw new Fault('conflict', 'There is no second factor to confirm. Call POST /v1/me/totp first.')
  const lastStep = isAgain ? totp.lastStep : await firstStep(ctx, user, totp, code)
  const letters = () =>
    Secret.random()
      .replaceAll(/[^a-zA-Z0-9]/g, '')
      .toLowerCase()
  const codes = Array.from({ length: 10 }, () => letters().slice(0, 26))
  await User.saveCredentials(ctx, {
    ...credentials,
    changedBy,
    totp: { ...totp, isConfirmed: true, lastStep, recovery: codes.map(Secret.hashOf) },
  })
  await User.edit(ctx, user.id, () => confirmedFactor(ctx, user.id, changedBy))
  note(switched(user, true))
  return { recoveryCodes: codes }
})

function switched({ id }: User.Info, hasSecondFactor: boolean): Audit.Subject {
  const before = { hasSecondFactor: !hasSecondFactor }
  return { resourceType: 'user', resourceId: id, before, after: { hasSecondFactor } }
}

async function firstStep(ctx: Context, user: User.Info, totp: User.Totp, code: string) {
  const counted = await countAttempt(ctx, user.id)
  const step = await stepOf(ctx, user, totp, code)
  if (step === undefined)
    throw invalid('code', 'The code', 'is wrong', 'Check the clock of the device and send the newest code.')
  await counted.succeeded()
  return step
}

/** Throws Fault `conflict` if the second factor was removed meanwhile; `forget` changes the credentials first. */
async function confirmedFactor(ctx: Context, userId: string, changedBy: string) {
  const credentials = await User.credentialsOf(ctx, userId)
  if (credentials.changedBy === changedBy && credentials.totp?.isConfirmed) return { hasSecondFactor: true }
  throw new Fault('conflict', 'The second factor was changed concurrently. Check whether it is on.')
}

export const disable = change(
  'totp.disable',
  z.strictObject({ password: Password.Given, code: Code }),
  'self',
  async (ctx, { password, code }, note) => {
    const changedBy = ctx.newId('chg')
    const credentials = await requirePassword(ctx, password)
    const user = await User.load(ctx, ctx.actor.id)
    const isOn = credentials.totp?.isConfirmed === true
    // On a retry the code is used and the factor may be off.
    const isAgain = credentials.changedBy === changedBy
    if (!isOn && !isAgain) throw new Fault('conflict', 'There is no second factor to switch off.')
    if (!isAgain && !(await spend(ctx, user, credentials, code, changedBy)))
      throw new Fault('forbidden', 'The code is wrong.', [{ path: 'code', message: 'is wrong' }])
    if (isOn) await forget(ctx, user.id, changedBy)
    note(switched(user, false))
    return { success: true }
  },
)

/** Also an unconfirmed one. A crash leaves it on. */
export async function forget(ctx: Context, userId: string, changedBy: string): Promise<void> {
  const found = await User.credentialsOf(ctx, userId)
  if (!found.totp) return
  const isMarked = found.changedBy === changedBy
  if (!isMarked) await User.saveCredentials(ctx, { ...found, changedBy })
  const { totp: _, ...rest } = { ...found, changedBy, version: found.version + (isMarked ? 0 : 1) }
  // The user first: the flag must never claim a removed factor.
  await User.edit(ctx, userId, () => ({ hasSecondFactor: false }))
  await User.saveCredentials(ctx, rest)
}
