import { Fault } from './fault.ts'
import { permissions, type Permission, type Requirement, type Role } from './permission.ts'

export interface Actor {
  /** `system`: a part of the product, or the operator of the machine. */
  kind: 'user' | 'key' | 'system' | 'anonymous'
  id: string
  permissions: ReadonlySet<Permission>
  role?: Role
  sessionId?: string
  /** Of the connection: callers can forge headers. */
  address?: string | undefined
  userAgent?: string | undefined
  /** The organization requires a second factor: no permissions. */
  lacksSecondFactor?: boolean
}

export function system(id: string): Actor {
  return { kind: 'system', id, permissions: new Set(permissions) }
}

export function anonymous(from: Pick<Actor, 'address' | 'userAgent'> = {}): Actor {
  return { kind: 'anonymous', id: 'anonymous', permissions: new Set(), ...from }
}

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

/** Throws Fault `unauthenticated` or `forbidden`. */
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
