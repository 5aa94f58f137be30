import { Secret as TotpSecret, TOTP } from 'otpauth'
import * as z from 'zod'
import { change } from '../../guard/command.ts'
import type { Context } from '../../effects/context.ts'
import * as Envelope from '../../guard/envelope.ts'
import { Fault } from '../../kernel/fault.ts'
import * as Lockout from './lockout.ts'
import * as Password from './password.ts'
import * as Secret from '../credentials/secret.ts'
import * as User from '../people/user.ts'

const periodSeconds = 30
const recoveryCodes = 10

/** A code of an authenticator app, or one of the recovery codes. */
export const Code = z.string().trim().min(6).max(64)

function totpOf(user: User.Info, secret: string): TOTP {
  return new TOTP({
    issuer: 'CloudOptima',
    label: user.email,
    period: periodSeconds,
    secret: TotpSecret.fromBase32(secret),
  })
}

const purposeOf = (userId: string): string => `totp/${userId}`

/**
 * Whether the code is good now (RFC 6238, one step of 30 s before and after), and uses it up; `changedBy` is the request that does more with it. A recovery code is
 * good once. Of two who come at once with the same code one is refused. Throws Fault `rate_limited` after 5 wrong ones, wherever they come from.
 */
export async function spend(
  ctx: Context,
  user: User.Info,
  credentials: User.Credentials,
  code: string,
  changedBy = credentials.changedBy,
): Promise<boolean> {
  const { totp } = credentials
  if (!totp) return false
  const counted = await countAttempt(ctx, user.id)
  const left = await consume(ctx, user, totp, code)
  const isGood =
    left !== undefined &&
    (await isSaved(ctx, { ...credentials, ...(changedBy !== undefined && { changedBy }), totp: left }))
  if (isGood) await counted.succeeded()
  return isGood
}

/** Before a code is looked at. Who gets so far knows the password or holds a session, wherever they come from. */
async function countAttempt(ctx: Context, userId: string): ReturnType<typeof Lockout.attempt> {
  return await Lockout.attempt(ctx, userId, 'second-factor')
}

/** What is left of a second factor once the code is used up; undefined for a code that is not good. */
async function consume(ctx: Context, user: User.Info, totp: User.Totp, code: string): Promise<User.Totp | undefined> {
  const hash = Secret.hashOf(code.toLowerCase())
  const recovery = totp.recovery.filter((kept) => !Secret.isSame(kept, hash))
  if (recovery.length < totp.recovery.length) return { ...totp, recovery }
  const step = await stepOf(ctx, user, totp, code)
  return step !== undefined && step > totp.lastStep ? { ...totp, lastStep: step } : undefined
}

async function isSaved(ctx: Context, credentials: User.Credentials): Promise<boolean> {
  try {
    await User.saveCredentials(ctx, credentials)
    return true
  } catch (error) {
    if (error instanceof Fault && error.code === 'conflict') return false
    throw error
  }
}

async function stepOf(
  ctx: Context,
  user: User.Info,
  { sealedSecret }: User.Totp,
  code: string,
): Promise<number | undefined> {
  if (!/^\d{6}$/.test(code)) return undefined
  const timestamp = ctx.now().getTime()
  const delta = totpOf(user, await Envelope.open(ctx, purposeOf(user.id), sealedSecret)).validate({
    token: code,
    timestamp,
    window: 1,
  })
  return delta === null ? undefined : Math.floor(timestamp / 1000 / periodSeconds) + delta
}

/** Throws Fault `forbidden`, naming the field `path`, unless the caller's own password is right: who finds a screen unlocked must not get hold of the account. */
export async function requirePassword(ctx: Context, password: string, path = 'password'): Promise<User.Credentials> {
  const counted = await Lockout.attempt(ctx, ctx.actor.id)
  const credentials = await User.credentialsOf(ctx, ctx.actor.id)
  if (await Password.verify(ctx, credentials.passwordHash, password)) {
    await counted.succeeded()
    return credentials
  }
  throw new Fault('forbidden', 'The password is wrong.', [{ path, message: 'is wrong' }])
}

/** Makes a secret for an authenticator app; it counts only once a code of it was confirmed. */
export const begin = change(
  'totp.begin',
  z.strictObject({ password: Password.Given }),
  'self',
  async (ctx, { password }, note) => {
    const credentials = await requirePassword(ctx, password)
    if (credentials.totp?.isConfirmed)
      throw new Fault('conflict', 'A second factor is on already. Switch it off first.')
    const user = await User.load(ctx, ctx.actor.id)
    const secret = new TotpSecret({ size: 20 }).base32
    const sealedSecret = await Envelope.seal(ctx, purposeOf(user.id), secret)
    await User.saveCredentials(ctx, {
      ...credentials,
      totp: { sealedSecret, isConfirmed: false, lastStep: 0, recovery: [] },
    })
    note({ resourceType: 'user', resourceId: user.id })
    return { secret, uri: totpOf(user, secret).toString() }
  },
)

/** Switches the second factor on with a first code; answers the recovery codes, this once. */
export const confirm = change('totp.confirm', z.strictObject({ code: Code }), 'self', async (ctx, { code }, note) => {
  const changedBy = ctx.newId('chg')
  const user = await User.load(ctx, ctx.actor.id)
  const credentials = await User.credentialsOf(ctx, user.id)
  const { totp } = credentials
  // Who lost the answer comes again, and gets codes that are good.
  const isAgain = totp?.isConfirmed === true && credentials.changedBy === changedBy
  if (!totp || (totp.isConfirmed && !isAgain))
    throw new Fault('conflict', 'There is no second factor to confirm. Begin with one first.')
  const lastStep = isAgain ? totp.lastStep : await firstStep(ctx, user, totp, code)
  const codes = Array.from({ length: recoveryCodes }, () =>
    Secret.random()
      .replaceAll(/[^a-zA-Z0-9]/g, '')
      .slice(0, 26)
      .toLowerCase(),
  )
  await User.saveCredentials(ctx, {
    ...credentials,
    changedBy,
    totp: { ...totp, isConfirmed: true, lastStep, recovery: codes.map(Secret.hashOf) },
  })
  await User.edit(ctx, user.id, async () => await confirmedFactor(ctx, user.id, changedBy))
  note({
    resourceType: 'user',
    resourceId: user.id,
    before: { hasSecondFactor: false },
    after: { hasSecondFactor: true },
  })
  return { recoveryCodes: codes }
})

/** The step of a secret's first code. Throws Fault `invalid` for a code that is not good, and `rate_limited` after 5 of them. */
async function firstStep(ctx: Context, user: User.Info, totp: User.Totp, code: string): Promise<number> {
  const counted = await countAttempt(ctx, user.id)
  const step = await stepOf(ctx, user, totp, code)
  if (step === undefined)
    throw new Fault('invalid', 'This code is not good. Look at the clock of the device, and give the newest code.', [
      { path: 'code', message: 'is not good' },
    ])
  await counted.succeeded()
  return step
}

/** That the user has a second factor. Throws Fault `conflict` where it was switched off since, which writes itself into the credentials before it writes to the user. */
async function confirmedFactor(
  ctx: Context,
  userId: string,
  changedBy: string,
): Promise<Pick<User.Info, 'hasSecondFactor'>> {
  const credentials = await User.credentialsOf(ctx, userId)
  if (credentials.changedBy === changedBy && credentials.totp?.isConfirmed) return { hasSecondFactor: true }
  throw new Fault('conflict', 'The second factor was changed meanwhile. Look whether it is on.')
}

/** Switches the second factor off, with the password and a code. */
export const disable = change(
  'totp.disable',
  z.strictObject({ password: Password.Given, code: Code }),
  'self',
  async (ctx, { password, code }, note) => {
    const changedBy = ctx.newId('chg')
    const credentials = await requirePassword(ctx, password)
    const user = await User.load(ctx, ctx.actor.id)
    const isOn = credentials.totp?.isConfirmed === true
    // Carried out again after a crash, its code is used up, and it may be off.
    const isAgain = credentials.changedBy === changedBy
    if (!isOn && !isAgain) throw new Fault('conflict', 'There is no second factor to switch off.')
    if (!isAgain && !(await spend(ctx, user, credentials, code, changedBy)))
      throw new Fault('forbidden', 'This code is not good.', [{ path: 'code', message: 'is not good' }])
    if (isOn) await forget(ctx, user.id, changedBy)
    note({
      resourceType: 'user',
      resourceId: user.id,
      before: { hasSecondFactor: true },
      after: { hasSecondFactor: false },
    })
    return { success: true }
  },
)

/** Takes the second factor of a user away, and one that was only begun, in the name of the request `changedBy`. Whoever is cut off in the middle leaves one that is on. */
export async function forget(ctx: Context, userId: string, changedBy: string): Promise<void> {
  const found = await User.credentialsOf(ctx, userId)
  if (!found.totp) return
  const isMarked = found.changedBy === changedBy
  if (!isMarked) await User.saveCredentials(ctx, { ...found, changedBy })
  const { totp: _, ...rest } = { ...found, changedBy, version: found.version + (isMarked ? 0 : 1) }
  // First: an organization that demands one would otherwise take for it what is no longer there.
  await User.edit(ctx, userId, () => ({ hasSecondFactor: false }))
  await User.saveCredentials(ctx, rest)
}
