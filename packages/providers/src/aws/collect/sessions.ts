import { Fault } from '@cloudoptima/core'
import type { AccessOptions } from '../../access/options.ts'
import type { AccessTo } from '../../access/verdict.ts'
import { assumer, cannotAssume, type Purpose, type TemporaryKeys } from '../access/assume.ts'
import { parseRole, type Role } from '../access/session.ts'

/** The sessions of roles in this process. */
export interface Sessions {
  /** Throws Fault `forbidden` if AWS does not let us assume the role. */
  keysOf(access: AccessTo<'aws'>): Promise<TemporaryKeys>
  roleOf(access: AccessTo<'aws'>): Promise<Role>
}

const most = 1000
const marginMs = 5 * 60_000

/** Keeps each session until 5 minutes before its end. */
export function createSessions(options: AccessOptions, purpose: Purpose = 'collection'): Sessions {
  const kept = new Map<string, TemporaryKeys>()
  const keysOf: Sessions['keysOf'] = async ({ credentials: { roleArn, externalId }, meter }) => {
    // Another external id must not find the session: it is what proves the right to the role.
    const key = JSON.stringify([roleArn, externalId])
    const open = kept.get(key)
    if (open?.expiration !== undefined && open.expiration.getTime() - marginMs > Date.now()) return open
    const role = roleOrRefuse(roleArn)
    await meter.take({ api: 'sts:AssumeRole' })
    const assume = await assumer(options, purpose)
    const keys = await assume(role.arn, externalId)
    if (!keys) throw new Fault('forbidden', cannotAssume(role))
    kept.delete(key)
    kept.set(key, keys)
    const [oldest] = kept.keys()
    if (kept.size > most && oldest !== undefined) kept.delete(oldest)
    return keys
  }
  return {
    keysOf,
    roleOf: async (access) => {
      await keysOf(access)
      return roleOrRefuse(access.credentials.roleArn)
    },
  }
}

function roleOrRefuse(roleArn: string): Role {
  const role = parseRole(roleArn)
  if (!role) throw new Fault('forbidden', 'The stored role is not the ARN of a role. Connect the account again.')
  return role
}
