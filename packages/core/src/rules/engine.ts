import type { Rule, Facts, Finding, RequiredTag } from './rule.ts'
import type { ResourceKind } from '../kernel/resource.ts'
import { isJudged, isShared, isTransient, isYoung, sparing } from './exclusions.ts'
import { clusterNamed, keyOf, type Subject } from './subject.ts'

export interface Settings {
  now: Date
  requiredTags?: readonly RequiredTag[]
  /** Kinds of resources that a collection could not read. */
  unread?: readonly { accountId: string; kind: ResourceKind }[]
}

/** Judges the subjects of an organization; the order of findings is that of resources and rules by name. */
export function judge(
  rules: readonly Rule[],
  subjects: readonly Subject[],
  { now, requiredTags = [], unread = [] }: Settings,
): Finding[] {
  const relations = relationsOf(subjects)
  const byKind = new Map<string, Rule[]>()
  for (const rule of rules)
    for (const cloud of rule.clouds)
      for (const kind of rule.kinds) {
        const key = `${cloud} ${kind}`
        byKind.set(key, [...(byKind.get(key) ?? []), rule])
      }
  const gaps = new Set(unread.map(({ accountId, kind }) => `${accountId} ${kind}`))
  const limits = new Map(rules.map((rule) => [rule.id, limitsOf(rule)]))
  const found: Finding[] = []
  for (const subject of subjects) {
    const own = byKind.get(`${subject.cloud} ${subject.kind}`)
    if (!own || !isJudged(subject)) continue
    const isManaged = isTransient(subject)
    const around = {
      resource: (id: string | undefined) => (id === undefined ? undefined : relations.byId.get(keyOf(subject, id))),
      usersOf: (id: string) => relations.users.get(keyOf(subject, id)) ?? [],
    }
    for (const rule of own) {
      if ((isManaged && !rule.judgesManaged) || isYoung(rule, subject, now)) continue
      const facts = { now, requiredTags, limit: limits.get(rule.id) ?? {}, ...around }
      const lacking = rule.needs?.filter((kind) => gaps.has(`${subject.accountId} ${kind}`)) ?? []
      const finding = applied(rule, subject, facts, lacking)
      if (finding) found.push(finding)
    }
  }
  return found
    .map((finding): [string, Finding] => [orderOf(finding), finding])
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, finding]) => finding)
}

function applied(rule: Rule, subject: Subject, facts: Facts, lacking: readonly ResourceKind[]): Finding | undefined {
  const answer = rule.find(subject, facts)
  if (!answer) return undefined
  const { id, finds, analyzer, risk, effort, restartNeeded, rollbackPossible, undo } = rule
  const judged = { rule: id, finds, analyzer, subject }
  const mayBeIgnored = subject.tags === undefined ? ['tags, which may exclude the resource'] : []
  if ('missing' in answer) return { ...judged, state: 'insufficient_data', missing: answer.missing }
  const missing = [...mayBeIgnored, ...lacking.map((kind) => `resources of the kind ${kind}`)]
  if (missing.length > 0) return { ...judged, state: 'insufficient_data', missing }
  const verdict = sparing(answer, (other) => !isJudged(other) || isYoung(rule, other, facts.now) || isShared(other))
  return verdict && { ...judged, state: 'found', ...verdict, risk, effort, restartNeeded, rollbackPossible, undo }
}

const limitsOf = ({ thresholds }: Rule): Record<string, number> =>
  Object.fromEntries(Object.entries(thresholds).map(([name, { value }]) => [name, value]))

const orderOf = ({ subject, rule }: Finding) => `${subject.cloud} ${keyOf(subject, subject.id)} ${rule}`

/** Subjects by id, and by the ids that they name; keys are those of `keyOf`. */
export function relationsOf(subjects: readonly Subject[]) {
  const byId = new Map<string, Subject>()
  const users = new Map<string, Subject[]>()
  for (const subject of subjects) {
    for (const id of [subject.id, ...(subject.aliases ?? [])]) byId.set(keyOf(subject, id), subject)
    for (const id of namedBy(subject)) {
      const key = keyOf(subject, id)
      const list = users.get(key)
      if (list) list.push(subject)
      else users.set(key, [subject])
    }
  }
  return { byId, users }
}

/** Fields of the configuration with ids of other resources. */
const references = ['ImageId', 'SnapshotIds', 'elasticPoolId', 'SnapshotId', 'sourceImage', 'ReplicationGroupId']

/** Tags of the nodes of an EKS cluster, with its name. */
const clusterTags = ['eks:cluster-name', 'aws:eks:cluster-name', 'eks:eks-cluster-name']

function namedBy({ attachedTo, configuration, kind, region, tags = {} }: Subject): string[] {
  const listed = references.flatMap((field) => configuration[field] ?? [])
  const ids = listed.filter((id): id is string => typeof id === 'string')
  const cluster = kind === 'instance' ? clusterTags.find((tag) => tags[tag] !== undefined) : undefined
  if (cluster !== undefined) ids.push(clusterNamed(region, tags[cluster] ?? ''))
  return attachedTo === undefined ? ids : [attachedTo, ...ids]
}
