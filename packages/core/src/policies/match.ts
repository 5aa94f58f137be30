import type { SafetyControls } from '../executions/safety.ts'
import type { RequestedResource } from '../executions/request-input.ts'
import * as Money from '../kernel/money.ts'
import { guardOf } from '../resources/protection.ts'
import { costOf, type Subject } from '../rules/index.ts'
import { type Failure, failuresOf, type Node } from './conditions.ts'
import type { Member } from './fleet.ts'

/** A resource, and why it does not match; it matches if there is no reason. */
export interface Verdict {
  subject: Subject
  failures: readonly Failure[]
}

type Protection = SafetyControls['protectedTags']

/** The matching ones first, each part with the costliest first. */
export function judge(
  members: readonly Member[],
  { conditions, protectedTags }: { conditions: readonly Node[]; protectedTags: Protection },
  now: Date,
): Verdict[] {
  return members
    .map(({ subject, recommendations }): Verdict => {
      const guard = protectionOf(subject, protectedTags)
      if (guard) return { subject, failures: [guard] }
      // All conditions must hold of one recommendation.
      const views = recommendations.length > 0 ? recommendations : [undefined]
      const each = views.map((recommendation) => failuresOf(conditions, { subject, recommendation, now }))
      const [closest = []] = each.toSorted((a, b) => a.length - b.length)
      return { subject, failures: closest }
    })
    .toSorted(byMatchAndCost)
}

function protectionOf({ cloud, tags = {} }: Subject, protectedTags: Protection): Failure | undefined {
  const guard = guardOf(cloud, tags, protectedTags)
  if (!guard) return undefined
  const { key, value, actual } = guard
  return { condition: `protected: tags.${key} ${value === undefined ? 'not_exists' : `!= ${value}`}`, actual }
}

const amountOf = (subject: Subject) => costOf(subject) ?? Money.zero

/** Costs of other currencies are not compared. */
function byMatchAndCost(a: Verdict, b: Verdict): number {
  const [own, other] = [a.subject, b.subject]
  const [matched, otherMatched] = [a.failures.length === 0, b.failures.length === 0]
  if (matched !== otherMatched) return matched ? -1 : 1
  const [currency, otherCurrency] = [own.cost?.currency ?? '~', other.cost?.currency ?? '~']
  if (currency !== otherCurrency) return currency < otherCurrency ? -1 : 1
  return amountOf(other).cmp(amountOf(own)) || (own.id < other.id ? -1 : 1)
}

export function requested(subject: Subject): RequestedResource {
  const { cloud, accountId, id, aliases = [], kind, name = null, region, zone = null, cost } = subject
  const amount = costOf(subject)
  return {
    provider: cloud,
    accountId,
    id,
    aliases: [...aliases],
    kind,
    name,
    region,
    zone,
    monthlyCost: cost && amount ? { amount: Money.plain(amount), currency: cost.currency } : null,
  }
}
