import { type Cloud, type CloudAccess, type CloudCredentials, Fault, type Verification } from '@cloudoptima/core'

type Problem = Verification['problems'][number]

/** One permission in a cloud's table. */
export interface Permission {
  permission: string
  neededFor: string
}

export type CredentialsOf<C extends Cloud> = Extract<CloudCredentials, { cloud: C }>

/** The result for an account that cannot be used; the message says what to do. */
export function refused(code: Problem['code'], message: string): Verification {
  return { ok: false, problems: [{ code, message }], missing: [] }
}

/** The result for an account whose credentials work. */
export function reached(missing: readonly Permission[], accountName?: string): Verification {
  return {
    ok: missing.length === 0,
    problems: [],
    missing: [...missing],
    ...(accountName !== undefined && { accountName }),
  }
}

/** The rows of a cloud's table, by default all. */
export function rowsOf(table: Record<string, string>, wanted?: ReadonlySet<string>): Permission[] {
  return Object.entries(table)
    .filter(([permission]) => wanted?.has(permission) ?? true)
    .map(([permission, neededFor]) => ({ permission, neededFor }))
}

/** The Fault for a cloud that does not answer; `what` must not contain data of the cloud or the customer. */
export function unavailable(cloud: string, what: string): Fault {
  return new Fault('unavailable', `${cloud} does not answer at the moment (${what}). Try again in a few minutes.`)
}

/** Access to one cloud, which accepts only that cloud's credentials. */
export function accessTo<C extends Cloud>(
  cloud: C,
  verify: (credentials: CredentialsOf<C>) => Promise<Verification>,
): CloudAccess {
  const isOurs = (credentials: CloudCredentials): credentials is CredentialsOf<C> => credentials.cloud === cloud
  return {
    async verify(credentials) {
      if (!isOurs(credentials)) throw new Fault('invalid', `These are not credentials of the cloud ${cloud}.`)
      return await verify(credentials)
    },
  }
}
