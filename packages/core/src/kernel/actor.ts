import { Fault } from './fault.ts'
import { permissions, type Permission, type Requirement, type Role } from './permission.ts'

/** The caller of a command. */
export interface Actor {
  /** `system`: a part of the product or the operator of the machine. `anonymous`: a caller who has not signed in. */
  kind: 'user' | 'key' | 'system' | 'anonymous'
  /** Id of the user or API key, or name of the part of the system. */
  id: string
  permissions: ReadonlySet<Permission>
  role?: Role
  /** Session and access token of a user. */
  sessionId?: string
  tokenId?: string
  /** Address of the connection, never of a header: callers can forge headers. */
  address?: string
  userAgent?: string
  /** The organization requires a second factor, and the user has none: no permissions. */
  lacksSecondFactor?: boolean
}

/** A part of the product; it has every permission. */
export function system(id: string): Actor {
  return { kind: 'system', id, permissions: new Set(permissions) }
}

/** A caller who has not signed in. */
export function anonymous(from: Pick<Actor, 'address' | 'userAgent'> = {}): Actor {
  return { kind: 'anonymous', id: 'anonymous', permissions: new Set(), ...from }
}

/** Whether the actor meets the requirement. */
export function may(actor: Actor, requirement: Requirement): boolean {
  switch (requirement) {
    case 'public':
      return true
    case 'member':
      return actor.kind !== 'anonymous'
    case 'self':
      return actor.kind === 'user'
    case 'operator':
      return actor.kind === 'system'
    default:
      return actor.permissions.has(requirement)
  }
}

/**
 * Throws Fault `unauthenticated` for an anonymous actor, Fault `forbidden` for any other who does not meet the
 * requirement.
 */
export function require(actor: Actor, requirement: Requirement): void {
  if (may(actor, requirement)) return
  if (actor.kind === 'anonymous')
    throw new Fault('unauthenticated', 'Sign in, and send the access token in the header Authorization: Bearer.')
  if (requirement === 'self') throw new Fault('forbidden', 'An API key cannot do this. Sign in as a user.')
  if (actor.lacksSecondFactor)
    throw new Fault('forbidden', 'Your organization requires a second factor. Set one up: POST /v1/me/totp.')
  throw new Fault(
    'forbidden',
    `This requires the permission ${requirement}. Ask an admin of your organization for a role that has it.`,
  )
}
