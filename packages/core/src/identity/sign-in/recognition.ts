import type * as Audit from '../../guard/audit.ts'
import { asUser, type Context } from '../../effects/context.ts'
import { type Complaint, Fault } from '../../kernel/fault.ts'
import * as Email from '../people/email.ts'
import type * as User from '../people/user.ts'
import * as Password from './password.ts'
import * as Totp from './totp.ts'

function refused(ctx: Context, message = 'The e-mail address or the password is wrong.', complaints: Complaint[] = []) {
  ctx.log.warn('denied', { action: 'auth.login', code: 'unauthenticated' })
  return new Fault('unauthenticated', message, complaints)
}

type Found = Awaited<ReturnType<typeof lookUp>>

export async function lookUp(anyone: Context, emailHash: string) {
  const { tables } = anyone
  const entry = await Email.find(anyone, emailHash)
  if (!entry) return undefined
  const { orgId, userId } = entry
  const [user, credentials, organization] = await Promise.all([
    tables.users.get(orgId, userId),
    tables.credentials.get(orgId, userId),
    tables.organizations.get(orgId, orgId),
  ])
  return { orgId, user, credentials, organization }
}

/** Throws the same Fault `unauthenticated` for every reason. */
export async function checkPassword(anyone: Context, found: Found, password: string, note: Audit.Note) {
  const { orgId, user, credentials, organization } = found ?? {}
  const isRight = await Password.verify(anyone, credentials?.passwordHash, password)
  if (orgId === undefined || !user) throw refused(anyone)
  const ctx = asUser({ ...anyone, orgId }, user.id)
  const subject = { resourceType: 'user', resourceId: user.id }
  if (!isRight || !credentials || !user.isActive || !Password.allowsPassword(organization, user)) {
    // A failed sign-in does not authenticate: the user is the subject, not the actor.
    note({ ...subject, detail: detailOf(isRight, user) }, { ...ctx, actor: anyone.actor })
    throw refused(anyone)
  }
  note(subject, ctx)
  return { ctx, user, credentials }
}

function detailOf(isRight: boolean, { isActive }: User.Info) {
  if (!isRight) return 'wrong password'
  return isActive ? 'passwords are disabled' : 'deactivated'
}

/** Throws Fault `unauthenticated` for a missing or wrong second factor. */
export async function checkSecondFactor(
  ctx: Context,
  user: User.Info,
  credentials: User.Credentials,
  code: string | undefined,
  note: Audit.Note,
): Promise<string[]> {
  if (!credentials.totp?.isConfirmed) return ['password']
  if (code === undefined) {
    note({ detail: 'second factor missing' })
    throw refused(ctx, 'Send the code of your authenticator app as well.', [
      { path: 'totpCode', message: 'is required' },
    ])
  }
  if (await Totp.spend(ctx, user, credentials, code)) return ['password', 'second factor']
  note({ detail: 'wrong second factor' })
  throw refused(ctx, 'The code is wrong or already used. Wait for the next code.', [
    { path: 'totpCode', message: 'is wrong or already used' },
  ])
}
