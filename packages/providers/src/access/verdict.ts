import { type Cloud, type CloudAccess, type CloudCredentials, Fault, type Verification } from '@cloudoptima/core'

type Problem = Verification['problems'][number]

/** What a cloud's own table says of one permission. */
export interface Permission {
  permission: string
  neededFor: string
}

/** The credentials of one cloud. */
export type CredentialsOf<C extends Cloud> = Extract<CloudCredentials, { cloud: C }>

/** An account that cannot be used at all, and the sentence that says what to do. */
export function refused(code: Problem['code'], message: string): Verification {
  return { ok: false, problems: [{ code, message }], missing: [] }
}

/** An account whose credentials work, with the permissions that it lacks. */
export function reached(missing: readonly Permission[], accountName?: string): Verification {
  return {
    ok: missing.length === 0,
    problems: [],
    missing: [...missing],
    ...(accountName !== undefined && { accountName }),
  }
}

/** Rows of a table whose permission is in the set, in the table's order. */
export function rowsOf<Row extends Permission>(table: readonly Row[], lacking: ReadonlySet<string>): Permission[] {
  return table
    .filter((row) => lacking.has(row.permission))
    .map(({ permission, neededFor }) => ({ permission, neededFor }))
}

/** The fault for a cloud that gave no answer. `what` names the call, and carries nothing that the cloud or the customer sent. */
export function unavailable(cloud: string, what: string): Fault {
  return new Fault('unavailable', `${cloud} does not answer just now (${what}). Try again in a few minutes.`)
}

/** Access to one cloud, which takes that cloud's credentials only. */
export function accessTo<C extends Cloud>(
  cloud: C,
  verify: (credentials: CredentialsOf<C>) => Promise<Verification>,
): CloudAccess {
  const isOurs = (credentials: CloudCredentials): credentials is CredentialsOf<C> => credentials.cloud === cloud
  return {
    async verify(credentials) {
      if (!isOurs(credentials)) throw new Fault('invalid', `These are no credentials of the cloud ${cloud}.`)
      return await verify(credentials)
    },
  }
}
