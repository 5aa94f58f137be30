import { missingOnBuckets } from './bucket.ts'
import { deliveries } from './exports.ts'
import { probes, type Tried } from './probes.ts'
import type { ReadPermission } from './read-grants.ts'
import { attempt } from './refusal.ts'
import type { Role } from './role.ts'
import type { Session } from './session.ts'
import { simulate } from './simulate.ts'

/** The permissions of `readGrants` that the role lacks. */
export async function missingPermissions(session: Session, role: Role): Promise<ReadonlySet<ReadPermission>> {
  const simulation = await simulate(session, role)
  const missing = new Set(simulation.kind === 'simulated' ? simulation.missing : await tried(session, role))
  if (simulation.kind === 'denied') missing.add('iam:SimulatePrincipalPolicy')
  const { found, denied } = await deliveries(session)
  return new Set([...missing, ...denied, ...(await missingOnBuckets(session, found))])
}

async function tried(session: Session, role: Role): Promise<ReadPermission[]> {
  const outcomes = await Promise.all(
    (Object.keys(probes) as Tried[]).map(async (permission) => {
      const { kind } = await attempt(permission, () => probes[permission](session, role))
      return kind === 'denied' ? [permission] : []
    }),
  )
  return outcomes.flat()
}
