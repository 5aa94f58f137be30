import { isDeepStrictEqual } from 'node:util'
import type { Deployment, Resource } from './deployment.ts'

interface Statement {
  Effect: string
  Action: string | string[]
  Resource: unknown
  Condition?: Record<string, Record<string, string>>
}

/** The statements that allow something, by role, as `action resource if condition`. */
export function grants({ resources }: Deployment): Record<string, string[]> {
  const found: Record<string, string[]> = {}
  for (const [id, role] of resources('AWS::IAM::Role')) found[nameOf(id)] = inlinePolicies(role).flatMap(allowed)
  for (const [, policy] of resources('AWS::IAM::Policy')) {
    for (const role of policy.Properties['Roles'] as { Ref: string }[])
      found[nameOf(role.Ref)]?.push(...allowed(policy.Properties['PolicyDocument']))
  }
  return Object.fromEntries(Object.entries(found).map(([role, lines]) => [role, lines.toSorted()]))
}

/** The grants that a function needs, and what every function has: its log group and X-Ray. */
export function beside(name: string, needed: string[]): string[] {
  const always = [
    `logs:CreateLogStream ${name}Logs`,
    `logs:PutLogEvents ${name}Logs`,
    'xray:PutTelemetryRecords *',
    'xray:PutTraceSegments *',
  ]
  return [...needed, ...always].toSorted()
}

/** The logical id without its hash, or the last part of an import from another stack, and the pattern that follows. */
export function nameOf(resource: unknown): string {
  if (typeof resource === 'string') return resource.replace(/^\w+\//, '').replace(/[0-9A-F]{8}$/, '')
  const {
    Ref: ref,
    'Fn::GetAtt': attribute,
    'Fn::ImportValue': imported,
    'Fn::Join': join,
  } = resource as Record<string, unknown>
  if (ref !== undefined) return nameOf(ref)
  if (attribute !== undefined) return nameOf((attribute as string[])[0])
  if (typeof imported === 'string')
    return nameOf(/:ExportsOutput(?:FnGetAtt|Ref)(.+?)(?:Arn|Id)?[0-9A-F]{8}$/.exec(imported)?.[1] ?? imported)
  if (join !== undefined) return (join as [string, unknown[]])[1].map(nameOf).join('')
  return JSON.stringify(resource)
}

function inlinePolicies(role: Resource): unknown[] {
  return ((role.Properties['Policies'] ?? []) as { PolicyDocument: unknown }[]).map(
    ({ PolicyDocument }) => PolicyDocument,
  )
}

function allowed(document: unknown): string[] {
  const { Statement } = document as { Statement: Statement[] }
  return Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action, Resource, Condition }) =>
    [Action]
      .flat()
      .flatMap((action) => [Resource].flat().map((resource) => `${action} ${nameOf(resource)}${wordsOf(Condition)}`)),
  )
}

function wordsOf(condition: Statement['Condition'] = {}): string {
  const words = Object.entries(condition).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, value]) => `${operator} ${key} ${value}`),
  )
  return words.length > 0 ? ` if ${words.join(', ')}` : ''
}

/** Whether the policy of the resource denies everything that does not come over TLS. */
export function refusesPlainHttp(
  { resources }: Deployment,
  type: string,
  subjects: (properties: Record<string, unknown>) => unknown,
  id: string,
): boolean {
  const policies = resources(type).filter(([, { Properties }]) =>
    isDeepStrictEqual(subjects(Properties), [{ Ref: id.split('/')[1] }]),
  )
  const denial = { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }
  return policies.some(([, { Properties }]) => {
    const { Statement } = Properties['PolicyDocument'] as { Statement: { Effect: string; Condition?: unknown }[] }
    return Statement.some(({ Effect, Condition }) => isDeepStrictEqual({ Effect, Condition }, denial))
  })
}
