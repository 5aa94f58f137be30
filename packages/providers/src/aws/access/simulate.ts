import type { ReadPermission } from './read-grants.ts'
import { readGrants } from './read-grants.ts'
import { attempt } from './refusal.ts'
import type { Role } from './role.ts'
import { type Session, settings } from './session.ts'

export type Simulation = { kind: 'simulated'; missing: ReadPermission[] } | { kind: 'denied' | 'rejected' }

/** An export need not exist. The bucket is unknown here, so real calls test its permissions. */
const resources = {
  any: () => '*',
  export: ({ account }: Role) => `arn:aws:bcm-data-exports:us-east-1:${account}:export/*`,
} satisfies Partial<Record<(typeof readGrants)[number]['on'], (role: Role) => string>>

/** Simulates the role's permissions with IAM. */
export async function simulate(session: Session, role: Role): Promise<Simulation> {
  const found = await Promise.all([
    denied(session, role, grantsOn('any'), resources.any()),
    denied(session, role, grantsOn('export'), resources.export(role)),
  ])
  const missing: ReadPermission[] = []
  for (const outcome of found) {
    if (outcome.kind !== 'answered') return { kind: outcome.kind }
    missing.push(...outcome.answer)
  }
  return { kind: 'simulated', missing }
}

function grantsOn(on: keyof typeof resources): ReadPermission[] {
  return readGrants.filter((grant) => grant.on === on).map(({ permission }) => permission)
}

async function denied(session: Session, role: Role, permissions: ReadPermission[], resource: string) {
  const { IAMClient, paginateSimulatePrincipalPolicy } = await import('@aws-sdk/client-iam')
  const client = new IAMClient(settings(session))
  return await attempt('iam:SimulatePrincipalPolicy', async () => {
    const allowed = new Set<string | undefined>()
    const pages = paginateSimulatePrincipalPolicy(
      { client },
      { PolicySourceArn: role.arn, ActionNames: permissions, ResourceArns: [resource] },
    )
    for await (const { EvaluationResults = [] } of pages) {
      for (const { EvalActionName, EvalDecision } of EvaluationResults)
        if (EvalDecision === 'allowed') allowed.add(EvalActionName)
    }
    return permissions.filter((permission) => !allowed.has(permission))
  })
}
