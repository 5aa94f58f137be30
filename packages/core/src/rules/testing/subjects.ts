import type { Cloud } from '../../kernel/cloud.ts'
import type { ResourceKind } from '../../kernel/resource.ts'
import type { Found } from '../rule.ts'
import type { MetricSummary, MonthlyCost, Part, Subject } from '../subject.ts'

export const now = new Date('2026-11-01T06:00:00Z')

export function daysAgo(days: number): string {
  return new Date(now.getTime() - days * 86_400_000).toISOString()
}

type Given = Partial<Subject> & { id: string }

/** Subjects of one cloud and kind, 200 days old. */
export function some(cloud: Cloud, kind: ResourceKind, common: Partial<Subject> = {}) {
  return (given: Given): Subject => ({
    cloud,
    kind,
    accountId: 'account-1',
    status: 'available',
    region: 'eu-central-1',
    createdAt: daysAgo(200),
    tags: {},
    ...common,
    ...given,
    configuration: { ...common.configuration, ...given.configuration },
  })
}

/** The cloud did not tell its tags. */
export function untagged(subject: Subject): Subject {
  const { tags: _, ...untold } = subject
  return untold
}

/** All 336 hours of 14 days at about this level. */
export function steady(level: number, peak = level): MetricSummary {
  return { average: level, p99: level, peakP99: peak, maximum: peak, hours: 336, hoursExpected: 336 }
}

/** The same, but for an hour of work a week. */
export function weekly(level: number, busy: number): MetricSummary {
  return { ...steady(level), average: (334 * level + 2 * busy) / 336, maximum: busy }
}

/** The configuration of an EBS volume. */
export const attachedTo = (...instances: string[]) => ({
  Attachments: instances.map((InstanceId) => ({ InstanceId })),
})

/** Too few hours. */
export function scarce(level: number): MetricSummary {
  return { average: level, maximum: level, hours: 120, hoursExpected: 336 }
}

/** `{ compute: '70.08 x 730 of 87.6' }`: cost, quantity, and cost at list prices. */
export function usd(costs: Partial<Record<Part, string>>): MonthlyCost {
  const parts = Object.entries(costs).map(([part, text]) => {
    const [paid = '', listCost] = text.split(' of ')
    const [cost = '', quantity] = paid.split(' x ')
    const optional = { ...(quantity !== undefined && { quantity }), ...(listCost !== undefined && { listCost }) }
    return { part: part as Part, cost, ...optional }
  })
  return { currency: 'USD', parts }
}

export const requiredTags = [{ key: 'team', allowedValues: ['blue', 'red'] }]

/** What a rule found, with changes. */
export function found(given: Partial<Found> & Pick<Found, 'subject'>): Found {
  return {
    state: 'found',
    rule: 'r',
    finds: 'test',
    analyzer: 'right_sizing',
    evidence: {},
    change: { action: 'a', from: 'b', to: 'c' },
    saving: { kind: 'stops_cost', parts: 'all' },
    confidence: { level: 'high', reason: 'test' },
    risk: 'low',
    effort: 'low',
    restartNeeded: false,
    rollbackPossible: true,
    undo: 'test',
    ...given,
  }
}
