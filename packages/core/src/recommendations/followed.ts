import { numberOf, type Subject, textOf } from '../rules/index.ts'
import { type Facts, type Info, numberIn, stoppedStatuses } from './recommendation.ts'

type Found = NonNullable<Facts['found']>
/** What a resource is now, as a sentence; undefined if it is not what the recommendation wants. */
type Test = (subject: Subject, found: Found) => string | undefined

const isType: Test = ({ type }, { change }) => (type === change.to ? `It is ${type} now.` : undefined)

/** A number that the recommendation lowers: `from` begins with it. */
const isLower =
  (name: string, read: (subject: Subject) => number | undefined): Test =>
  (subject, { change }) => {
    const value = read(subject)
    return value !== undefined && value < numberIn(change.from) ? `${name} is ${value} now.` : undefined
  }

const lowers = (field: string) => isLower(field, (subject) => numberOf(subject, field))

/** A field that the resource did not have. */
const isSet =
  (field: string): Test =>
  ({ configuration }) => {
    const value = configuration[field]
    return typeof value === 'string' || typeof value === 'number' ? `${field} is ${value} now.` : undefined
  }

/** By rule. The others that keep the resource change its type to `change.to`. */
const tests: Readonly<Record<string, Test>> = {
  'aws-volume-iops-oversized': isLower('iops', ({ iops }) => iops),
  'aws-function-oversized': lowers('MemorySize'),
  'aws-service-oversized': lowers('desiredCount'),
  'azure-sql-pool-oversized': lowers('capacity'),
  'aws-log-group-no-retention': isSet('retentionInDays'),
  'azure-hybrid-benefit-missing': isSet('licenseType'),
  'aws-table-unused': ({ type }) => (type === 'PAY_PER_REQUEST' ? `It is ${type} now.` : undefined),
  'azure-instance-not-deallocated': (subject) => {
    const code = textOf(subject, 'code')
    return code?.toLowerCase() === 'powerstate/deallocated' ? `Its state is ${code} now.` : undefined
  },
  'aws-database-extended-support': (subject, { change }) => {
    const [engine, version] = [textOf(subject, 'Engine'), textOf(subject, 'EngineVersion')]
    return version !== undefined && `${engine} ${version}` !== change.from
      ? `EngineVersion is ${version} now.`
      : undefined
  },
}

const ends = new Set(['terminated', 'deleted'])

export const isGone = (subject: Subject | undefined): boolean => !subject || ends.has(subject.status)

/** How the inventory shows that a recommendation was followed, as a sentence; undefined if it does not. */
export function followedBy(
  { rule, found, resources: [resource] }: Info,
  subject: Subject | undefined,
): string | undefined {
  if (!found || !resource) return undefined
  if (!subject || isGone(subject)) return found.effect === 'ends' ? 'The resource is gone.' : undefined
  if (found.effect !== 'ends') return (tests[rule] ?? isType)(subject, found)
  const { status } = subject
  return stoppedStatuses.has(status) && !stoppedStatuses.has(resource.status) ? `The resource is ${status}.` : undefined
}
