import { Fault } from './fault.ts'
import { permissions, type Permission, type Requirement, type Role } from './permission.ts'

/** Who acts. Nothing about the organization stands here: it is the context's. */
export interface Actor {
  /** `user`: somebody signed in. `key`: a machine with an API key. `system`: a part of the product, or whoever holds the machine. `anonymous`: nobody is signed in. */
  kind: 'user' | 'key' | 'system' | 'anonymous'
  /** The user's or the key's id; the name of the part of the system. */
  id: string
  permissions: ReadonlySet<Permission>
  role?: Role
  /** The session and the access token that a user acts with. */
  sessionId?: string
  tokenId?: string
  /** From where: the address of the connection, never a header that the caller chose. */
  address?: string
  userAgent?: string
  /** They have no permissions until they have a second factor. */
  lacksSecondFactor?: boolean
}

/** A part of the product, which may do what it was built to do. */
export function system(id: string): Actor {
  return { kind: 'system', id, permissions: new Set(permissions) }
}

/** Somebody who has not signed in. */
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
    default:
      return actor.permissions.has(requirement)
  }
}

/** Throws Fault `unauthenticated` where nobody is signed in, Fault `forbidden` where the actor lacks what is required. */
export function require(actor: Actor, requirement: Requirement): void {
  if (may(actor, requirement)) return
  if (actor.kind === 'anonymous')
    throw new Fault('unauthenticated', 'Sign in, and send the access token in the header Authorization: Bearer.')
  if (requirement === 'self') throw new Fault('forbidden', 'Only a signed-in user can do this, not an API key.')
  if (actor.lacksSecondFactor)
    throw new Fault('forbidden', 'Your organization demands a second factor. Switch one on first: POST /v1/me/totp.')
  throw new Fault(
    'forbidden',
    `This needs the permission ${requirement}. An admin of your organization can give you a role that has it.`,
  )
}
