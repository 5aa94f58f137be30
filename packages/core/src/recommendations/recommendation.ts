import { hash } from 'node:crypto'
import type { Cloud } from '../kernel/cloud.ts'
import type { ResourceKind } from '../kernel/resource.ts'
import { keyOf, type Change, type Confidence, type Evidence, type Level } from '../rules/index.ts'
import type { AnalyzerName } from '../rules/index.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    recommendations: Table<Info>
  }
}

/** In the table. The dismissed ones are those that a dismissal covers. */
const storedStatuses = ['active', 'insufficient_data', 'scheduled', 'completed', 'expired'] as const
export const statuses = [...storedStatuses, 'dismissed'] as const

export const categories = ['compute', 'storage', 'network', 'database', 'commitments', 'governance'] as const
export type Category = (typeof categories)[number]

const categoryOfKind: Record<ResourceKind, Category> = {
  instance: 'compute',
  function: 'compute',
  container_service: 'compute',
  cluster: 'compute',
  scaling_group: 'compute',
  volume: 'storage',
  snapshot: 'storage',
  image: 'storage',
  bucket: 'storage',
  log_group: 'storage',
  address: 'network',
  load_balancer: 'network',
  nat_gateway: 'network',
  database: 'database',
  database_snapshot: 'database',
  cache: 'database',
  table: 'database',
  commitment: 'commitments',
}

export function categoryOf(analyzer: AnalyzerName, kind: ResourceKind): Category {
  return analyzer === 'tag_governance' ? 'governance' : categoryOfKind[kind]
}

/** A resource as it was judged. */
export interface Affected {
  id: string
  /** Other names in bills. */
  aliases?: string[]
  name?: string
  kind: ResourceKind
  type?: string
  status: string
  /** Effective, of 30 days; an exact decimal; undefined if the bills do not name it. */
  cost?: string
  currency?: string
}

/** Of 30 days; exact decimals. */
export interface Amounts {
  /** Undefined if the data does not say. */
  amount?: string
  /** Less is saved, but the data does not say how much less. */
  isAtMost?: true
  currency?: string
  /** How the amount follows, in words. */
  basis: string
  /** What commitments go on costing. */
  committed?: string
}

export interface Alternative {
  rule: string
  finds: string
  change: Change
  saving: Amounts
  confidence: Confidence
  risk: Level
}

/** What an analysis says of a resource. */
export interface Facts {
  rule: string
  finds: string
  analyzer: AnalyzerName
  category: Category
  cloud: Cloud
  accountId: string
  region: string
  /** The first is the one that was judged; the others end with it. */
  resources: Affected[]
  /** Of a finding; a resource without enough data has none. */
  found?: {
    evidence: Evidence
    change: Change
    /** Whether the resource itself ends, stops, or becomes another. */
    effect: 'ends' | 'changes' | 'none'
    saving: Amounts
    confidence: Confidence
    risk: Level
    effort: Level
    restartNeeded: boolean
    rollbackPossible: boolean
    undo: string
    /** Saving x confidence against risk and effort; an exact decimal. */
    priority: string
    alternatives: Alternative[]
    /** Other resources that name it, such as the disks of an instance. */
    dependents: Pick<Affected, 'id' | 'name' | 'kind'>[]
  }
  /** Data that is not known. */
  missing: string[]
}

/** What came of it, by the bills. */
export interface Measured {
  /** ISO time. */
  at: string
  /** Of the complete days after the change. */
  days: number
  /** Daily cost before less daily cost after, times 30; negative if the cost grew. */
  monthly: string
  currency: string
}

/** One piece of advice on one resource. Ended ones stay for 400 days. */
export interface Info extends Facts {
  id: string
  status: (typeof storedStatuses)[number]
  /** When it was found first, in ISO time. */
  foundAt: string
  updatedAt: string
  /** The event was sent with the first write. */
  isAnnounced?: true
  /** By the last analysis it competes for its resource; others are dismissed. */
  isChosen: boolean
  /** That follows it, while it is `scheduled`. */
  executionId?: string
  endedAt?: string
  endedBecause?: string
  measured?: Measured
  expiresAt?: number
}

/** Of a resource that is there, but does not run. */
export const stoppedStatuses: ReadonlySet<string> = new Set(['stopped', 'deallocated'])

type Subject = Parameters<typeof keyOf>[0] & { cloud: Cloud; id: string }

const hashed = (parts: readonly string[], length: number) =>
  hash('sha256', JSON.stringify(parts), 'hex').slice(0, length)

/** The beginning of the ids of all advice on a resource. */
export function prefixOf(orgId: string, subject: Subject): string {
  return `rec_${hashed([orgId, subject.cloud, keyOf(subject, subject.id)], 16)}`
}

/** The same for each analysis that finds the same thing of the same resource. */
export function idOf(orgId: string, rule: string, subject: Subject): string {
  return `${prefixOf(orgId, subject)}${hashed([rule], 12)}`
}

/** The first whole number of a change: 3000 of `3000 a second`. */
export const numberIn = (text: string): number => Number(/\d+/.exec(text)?.[0])

export const isEnded = ({ status }: Pick<Info, 'status'>): boolean => status === 'completed' || status === 'expired'
