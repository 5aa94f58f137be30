import { type Cloud, type CloudAccess, type CloudCredentials, Fault, type Verification } from '@cloudoptima/core'

type Problem = Verification['problems'][number]

export type CredentialsOf<C extends Cloud> = Extract<CloudCredentials, { cloud: C }>

/** The message says what to do. */
export function refused(code: Problem['code'], message: string): Verification {
  return { ok: false, problems: [{ code, message }], missing: [] }
}

/** For working credentials; missing permissions are in the order of the cloud's table. */
export function reached(
  purposes: Record<string, string>,
  lacked: ReadonlySet<string>,
  accountName?: string,
): Verification {
  const missing = Object.entries(purposes)
    .filter(([permission]) => lacked.has(permission))
    .map(([permission, neededFor]) => ({ permission, neededFor }))
  return { ok: missing.length === 0, problems: [], missing, ...(accountName !== undefined && { accountName }) }
}

/** `what` must not contain data of the cloud or the customer. */
export function unavailable(cloud: string, what: string): Fault {
  return new Fault('unavailable', `${cloud} does not answer at the moment (${what}). Try again in a few minutes.`)
}

/** Refuses credentials of another cloud. */
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
