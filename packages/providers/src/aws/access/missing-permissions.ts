import { deliveries, missingOnBuckets } from './deliveries.ts'
import { probes, type Probe, type Tried } from './probes.ts'
import { type Grant, type ReadPermission, readGrants } from './read-grants.ts'
import { type Attempt, attempt } from './refusal.ts'
import { type Role, type Session, settings } from './session.ts'

export async function missingPermissions(session: Session, role: Role): Promise<ReadonlySet<ReadPermission>> {
  const simulation = await simulate(session, role)
  const missing = new Set(simulation.kind === 'answered' ? simulation.answer : await tried(session, role))
  if (simulation.kind === 'denied') missing.add('iam:SimulatePrincipalPolicy')
  const { found, denied } = await deliveries(session)
  return new Set([...missing, ...denied, ...(await missingOnBuckets(session, found))])
}

async function tried(session: Session, role: Role): Promise<ReadPermission[]> {
  const outcomes = await Promise.all(
    (Object.entries(probes) as [Tried, Probe][]).map(async ([permission, probe]) => {
      const { kind } = await attempt(permission, () => probe(session, role))
      return kind === 'denied' ? [permission] : []
    }),
  )
  return outcomes.flat()
}

/** By IAM's simulation; real calls test the permissions on the bucket. */
async function simulate(session: Session, role: Role): Promise<Attempt<ReadPermission[]>> {
  const outcomes = await Promise.all([
    denied(session, role, 'any', '*'),
    denied(session, role, 'export', `arn:aws:bcm-data-exports:us-east-1:${role.account}:export/*`),
    denied(session, role, 'buckets', 'arn:aws:s3:::*'),
  ])
  const answers = outcomes.flatMap((outcome) => (outcome.kind === 'answered' ? outcome.answer : []))
  return outcomes.find(({ kind }) => kind !== 'answered') ?? { kind: 'answered', answer: answers }
}

async function denied(session: Session, role: Role, on: Grant['on'], resource: string) {
  const permissions = readGrants.filter((grant) => grant.on === on).map(({ permission }) => permission)
  const { IAMClient, paginateSimulatePrincipalPolicy } = await import('@aws-sdk/client-iam')
  const client = new IAMClient(settings(session))
  const asked = { PolicySourceArn: role.arn, ActionNames: permissions, ResourceArns: [resource] }
  return await attempt('iam:SimulatePrincipalPolicy', async () => {
    const pages = await Array.fromAsync(paginateSimulatePrincipalPolicy({ client }, asked))
    const results = pages.flatMap(({ EvaluationResults = [] }) => EvaluationResults)
    const allowed = new Set<string | undefined>(
      results.filter(({ EvalDecision }) => EvalDecision === 'allowed').map(({ EvalActionName }) => EvalActionName),
    )
    return permissions.filter((permission) => !allowed.has(permission))
  })
}
