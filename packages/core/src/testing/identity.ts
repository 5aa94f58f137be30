import * as Invitations from '../identity/people/invitations.ts'
import * as Letters from '../identity/sign-in/letters.ts'
import { anonymous } from '../kernel/actor.ts'
import { type Context, noOrganization } from '../effects/context.ts'
import type { Event } from '../kernel/event.ts'
import type { Role } from '../kernel/permission.ts'
import type { Runtime } from '../effects/runtime.ts'
import { type MemoryRuntime, memoryRuntime, testContext } from './runtime.ts'
import { authenticate } from '../identity/credentials/authenticate.ts'
import { register } from '../identity/sign-in/register.ts'
import * as Session from '../identity/credentials/session.ts'
import * as User from '../identity/people/user.ts'

export const password = 'correct horse battery'

/** A signed-in user: tokens and context. */
export interface Person {
  email: string
  userId: string
  orgId: string
  accessToken: string
  refreshToken: string
  ctx: Context
}

/** An empty product on a manual clock. */
export interface World {
  runtime: MemoryRuntime
  now(): Date
  pass(seconds: number): void
  /** Context of an anonymous caller. */
  anyone(address?: string, runtime?: Runtime): Context
  /** Context of a token's holder. */
  as(token: string, runtime?: Runtime): Promise<Context>
  /** Creates an organization; the admin's address is verified. */
  found(email?: string, companyName?: string): Promise<Person>
  /** Creates a member by invitation. */
  join(admin: Person, role: Role, email?: string): Promise<Person>
  /** Sends the requested mails. */
  deliver(): Promise<void>
  /** Token in the newest mail to an address. */
  mailedTo(email: string): string
}

export function world(): World {
  const runtime = memoryRuntime()
  let ms = Date.parse('2026-11-23T08:00:00Z')
  const now = (): Date => new Date(ms)
  const anyone: World['anyone'] = (address = '192.0.2.1', at = runtime) =>
    testContext(at, { orgId: noOrganization, actor: anonymous({ address, userAgent: 'test' }), now })
  const as: World['as'] = async (token, at) => (await authenticate(anyone(undefined, at), `Bearer ${token}`)).ctx
  const person = async (
    email: string,
    made: Pick<Person, 'userId' | 'accessToken' | 'refreshToken'> & { organizationId: string },
  ): Promise<Person> => {
    const { userId, accessToken, refreshToken, organizationId: orgId } = made
    return { email, userId, orgId, accessToken, refreshToken, ctx: await as(accessToken) }
  }
  const deliver = async (): Promise<void> => {
    for (const event of runtime.events.splice(0)) {
      if (event.name === 'mail.requested')
        await Letters.send(testContext(runtime, { orgId: noOrganization, now }), event as Event<'mail.requested'>)
    }
  }
  const mailedTo = (email: string): string => {
    const { text } = runtime.mails.findLast(({ to }) => to === email) ?? { text: '' }
    return /"token":"([^"]+)"/.exec(text)?.[1] ?? ''
  }
  return {
    runtime,
    now,
    pass: (seconds) => void (ms += seconds * 1000),
    anyone,
    as,
    deliver,
    mailedTo,
    async found(email = 'ada@example.com', companyName = 'Example') {
      const made = await register(anyone(), { email, password, companyName, role: 'cfo' })
      await User.edit({ ...anyone(), orgId: made.organizationId }, made.userId, () => ({ emailVerified: true }))
      return await person(email, made)
    },
    async join(admin, role, email = `${role}@example.com`) {
      await Invitations.create(admin.ctx, { email, role })
      await deliver()
      return await person(email, await Invitations.accept(anyone(), { token: mailedTo(email), password }))
    },
  }
}

/** Code and message of a rejection; undefined if the promise resolves. */
export async function refusal(promise: Promise<unknown>): Promise<{ code: string; message: string } | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return { code, message }
  }
}

export async function refresh(ctx: Context, { refreshToken }: Pick<Person, 'refreshToken'>) {
  return await Session.refresh(ctx, { refreshToken })
}
