import { clouds } from '../kernel/cloud.ts'
import * as Money from '../kernel/money.ts'
import { resourceKinds, type UtilizationMetric } from '../kernel/resource.ts'
import { categories, type Info as Recommendation } from '../recommendations/recommendation.ts'
import { costOf, daysSince, detachedAt, knownShare, levels, stoppedAt, type Subject } from '../rules/index.ts'
import { spelledIn } from '../resources/tag-limits.ts'

/** A resource, beside one of the recommendations on it. */
export interface View {
  subject: Subject
  recommendation?: Recommendation | undefined
  now: Date
}

/** `lasting`: whole days so far, which may be more: it is known that they are at least so many. */
export type FieldType = 'text' | 'choice' | 'number' | 'money' | 'lasting' | 'boolean'

/** Undefined: not known. Money is an exact decimal. */
export type Actual = string | number | boolean | undefined

/** What a field is read from: of a fleet, only what some field needs is read. */
export type Origin = 'inventory' | 'history' | 'cost' | 'utilization' | 'recommendation'

export interface Field {
  type: FieldType
  from: Origin
  /** With its unit. */
  is: string
  /** Of a choice. */
  allowed?: readonly string[]
  read(view: View): Actual
}

const comparing = ['<', '<=', '>', '>='] as const
const known = ['exists', 'not_exists'] as const
const choosing = ['=', '!=', 'in', 'not_in'] as const

export const operatorsOf = {
  text: [...choosing, 'contains', 'starts_with', ...known],
  choice: [...choosing, ...known],
  number: ['=', '!=', ...comparing, ...known],
  money: ['=', '!=', ...comparing, ...known],
  lasting: ['>', '>='],
  boolean: ['=', '!='],
} as const satisfies Record<FieldType, readonly string[]>

export type Operator = (typeof operatorsOf)[FieldType][number]

const field = (type: FieldType, from: Origin, is: string, read: Field['read'], allowed?: Field['allowed']): Field => ({
  type,
  from,
  is,
  read,
  ...(allowed && { allowed }),
})

const ofResource = (type: FieldType, is: string, read: (subject: Subject, now: Date) => Actual): Field =>
  field(type, 'inventory', is, ({ subject, now }) => read(subject, now))

const attachable: ReadonlySet<string> = new Set<Subject['kind']>(['volume', 'address'])

function isAttached({ kind, attachedTo }: Subject): boolean | undefined {
  return attachable.has(kind) ? attachedTo !== undefined : undefined
}

/** Unknown if fewer hours are known than the rules ask for. */
function measured(metric: UtilizationMetric, value: 'average' | 'maximum', is: string): Field {
  return field('number', 'utilization', is, ({ subject }) => {
    const found = subject.utilization?.[metric]
    if (!found || found.hours < found.hoursExpected * knownShare) return undefined
    return found[value]
  })
}

const bytesPerGb = 1e9

/** Both directions. */
const networkGb = field('number', 'utilization', 'Gigabytes in and out in 14 days.', ({ subject: { utilization } }) => {
  const both = [utilization?.network_in, utilization?.network_out]
  const sums = both.flatMap((each) =>
    each && each.hours >= each.hoursExpected * knownShare ? [each.average * each.hours] : [],
  )
  return sums.length < both.length ? undefined : sums.reduce((all, sum) => all + sum, 0) / bytesPerGb
})

function advised(type: FieldType, is: string, read: (found: Recommendation) => Actual, allowed?: readonly string[]) {
  const readView = ({ recommendation }: View) => (recommendation ? read(recommendation) : undefined)
  return field(type, 'recommendation', is, readView, allowed)
}

/** What the conditions of a policy may ask of a resource. */
export const fields: Readonly<Record<string, Field>> = {
  provider: field('choice', 'inventory', 'The cloud.', ({ subject }) => subject.cloud, clouds),
  account_id: ofResource('text', 'AWS account, Azure subscription or Google Cloud project.', (each) => each.accountId),
  region: ofResource('text', 'Such as `eu-west-1`.', ({ region }) => region),
  zone: ofResource('text', 'Such as `eu-west-1a`.', ({ zone }) => zone),
  kind: field('choice', 'inventory', 'The kind of resource.', ({ subject }) => subject.kind, resourceKinds),
  resource_id: ofResource('text', 'The id, as in the inventory.', ({ id }) => id),
  name: ofResource('text', 'The name.', ({ name }) => name),
  type: ofResource('text', 'Size or class: `m7g.large`, `gp2`.', ({ type }) => type),
  status: ofResource('text', '`running`, `stopped`, `available`, `in-use`.', ({ status }) => status),
  age_days: ofResource('number', 'Whole days since it was created.', ({ createdAt }, now) => daysSince(createdAt, now)),
  size_gb: ofResource('number', 'Gigabytes.', ({ sizeGb }) => sizeGb),
  iops: ofResource('number', 'Provisioned operations a second.', ({ iops }) => iops),
  attached: ofResource('boolean', 'Whether something uses a volume or an address.', isAttached),
  unattached_days: field('lasting', 'history', 'Whole days without an attachment.', ({ subject, now }) =>
    isAttached(subject) === false ? daysSince(detachedAt(subject), now) : undefined,
  ),
  stopped_days: field('lasting', 'history', 'Whole days since it stopped.', ({ subject, now }) =>
    subject.status === 'stopped' ? daysSince(stoppedAt(subject), now) : undefined,
  ),
  monthly_cost: field('money', 'cost', 'Effective cost of 30 days, in the currency of the bill.', ({ subject }) => {
    const cost = costOf(subject)
    return cost && Money.plain(cost)
  }),
  currency: field('text', 'cost', 'Of the cost, such as `USD`.', ({ subject }) => subject.cost?.currency),
  cpu_avg: measured('cpu', 'average', 'Percent, of 14 days.'),
  cpu_max: measured('cpu', 'maximum', 'Percent, the highest of 14 days.'),
  memory_avg: measured('memory', 'average', 'Percent, of 14 days.'),
  memory_max: measured('memory', 'maximum', 'Percent, the highest of 14 days.'),
  network_gb: networkGb,
  disk_operations_avg: measured('disk_operations', 'average', 'Operations an hour, of 14 days.'),
  connections_avg: measured('connections', 'average', 'Connections, of 14 days.'),
  connections_max: measured('connections', 'maximum', 'Connections, the most of 14 days.'),
  requests_avg: measured('requests', 'average', 'Requests an hour, of 14 days.'),
  'recommendation.rule': advised('text', 'The rule, as `docs/recommendations.md` lists them.', ({ rule }) => rule),
  'recommendation.category': advised('choice', 'The category.', ({ category }) => category, categories),
  'recommendation.saving': advised(
    'money',
    'A month, in the currency of the bill.',
    ({ found }) => found?.saving.amount,
  ),
  'recommendation.risk': advised('choice', 'The risk.', ({ found }) => found?.risk, levels),
  'recommendation.confidence': advised('choice', 'The confidence.', ({ found }) => found?.confidence.level, levels),
}

export const tagPrefix = 'tags.'

/** `tags.Environment` reads a tag. Undefined: there is no such field. */
export function fieldOf(name: string): Field | undefined {
  if (Object.hasOwn(fields, name)) return fields[name]
  if (!name.startsWith(tagPrefix) || name.length === tagPrefix.length) return undefined
  const key = name.slice(tagPrefix.length)
  return ofResource('text', 'The value of the tag.', ({ cloud, tags = {} }) => {
    const spelled = spelledIn(cloud, tags, key)
    return spelled === undefined ? undefined : tags[spelled]
  })
}

export const fieldNames: readonly string[] = [...Object.keys(fields), `${tagPrefix}KEY`]
