import type { Cloud } from '../kernel/cloud.ts'
import type { ResourceKind } from '../kernel/resource.ts'
import type { Part, Subject } from './subject.ts'

export const analyzerNames = [
  'right_sizing',
  'idle_resources',
  'storage_optimization',
  'commitments',
  'network_optimization',
  'tag_governance',
] as const
export type AnalyzerName = (typeof analyzerNames)[number]

export const levels = ['low', 'medium', 'high'] as const
export type Level = (typeof levels)[number]

/** How the saving follows from the resource's own cost and from prices. */
export type SavingBasis =
  /** These parts of the resource (and of `also`) end. `isCopied`: a copy of each disk and database stays. */
  | { kind: 'stops_cost'; parts: readonly Part[] | 'all'; isCopied?: true }
  /** These parts are replaced by others, of which the price is asked; default quantity: that of the same part now. */
  | { kind: 'price_of'; replaces: readonly Part[]; targets: readonly Target[] }
  /** A share of these parts ends: 0-1. `isOfTime`: all of them, in that share of the time. */
  | { kind: 'share'; parts: readonly Part[]; share: number; isOfTime?: true }
  /** An amount a month that another formula gives. */
  | { kind: 'computed'; amount: string; how: string }
  /** The data does not say how much. `isAtMostCost`: at most what the resource costs. */
  | { kind: 'unknown'; why: string; isAtMostCost?: true }
  /** The finding is about order, not about money. */
  | { kind: 'none' }

export interface Target {
  part: Part
  /** As in price entries: `m7g.large`, `gp3`. */
  sku: string
  /** Operating system, engine or redundancy, where the price depends on it. */
  variant?: string
  quantity?: number
}

export interface Change {
  action: string
  from: string
  to: string
}

/** A threshold and the public document that it comes from. */
export interface Threshold {
  value: number
  unit: string
  source: string
  /** The document explains the matter; the number is our choice. */
  isOurs?: true
}

export interface Confidence {
  level: Level
  reason: string
}

/** What a predicate found, and why. */
export interface Verdict {
  evidence: Evidence
  change: Change
  saving: SavingBasis
  confidence: Confidence
  /** Other resources whose cost ends too. */
  also?: readonly Subject[]
  /** Those are a group that shrinks: the change does not choose which of them end. */
  isGroup?: true
}
/** A verdict, or the names of missing data; undefined if all is well. */
export type Answer = Verdict | { missing: readonly string[] } | undefined
export type Evidence = Readonly<Record<string, string | number>>

/** A tag that every resource should have, whatever the case of its key. */
export interface RequiredTag {
  key: string
  /** Undefined: any value. */
  allowedValues?: readonly string[] | undefined
}

/** What a predicate may look at beside its subject. */
export interface Facts<Name extends string = string> {
  now: Date
  /** The thresholds of the rule. */
  limit: Readonly<Record<Name, number>>
  requiredTags: readonly RequiredTag[]
  /** The subject of this id in the same account. */
  resource(id: string | undefined): Subject | undefined
  /** The subjects that name the id: snapshots of a volume, volumes of an instance, instances of an image. */
  usersOf(id: string): readonly Subject[]
}

export interface Rule<Name extends string = string> {
  id: string
  analyzer: AnalyzerName
  /** What it finds, as a sentence without a subject's name. */
  finds: string
  clouds: readonly Cloud[]
  kinds: readonly ResourceKind[]
  /** Kinds of the account that must have been read, because the rule finds what they lack. */
  needs?: readonly ResourceKind[]
  /** A resource that is younger is not judged. */
  windowDays: number
  thresholds: Readonly<Record<Name, Threshold>>
  risk: Level
  effort: Level
  restartNeeded: boolean
  rollbackPossible: boolean
  undo: string
  /** Members of scaling groups and spot instances are judged too. */
  judgesManaged?: true
  find(subject: Subject, facts: Facts<Name>): Answer
}

/** A rule whose predicate knows the names of its thresholds. */
export function rule<Name extends string>(definition: Rule<Name>): Rule {
  // Its predicate is only called with its own thresholds, by the engine.
  return definition
}

interface Judged {
  rule: string
  /** As of the rule. */
  finds: string
  analyzer: AnalyzerName
  subject: Subject
}

export interface Found extends Judged, Verdict {
  state: 'found'
  risk: Level
  effort: Level
  restartNeeded: boolean
  rollbackPossible: boolean
  undo: string
}

export interface Unknown extends Judged {
  state: 'insufficient_data'
  missing: readonly string[]
}

export type Finding = Found | Unknown
