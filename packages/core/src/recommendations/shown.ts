import * as z from 'zod'
import { clouds } from '../kernel/cloud.ts'
import * as Money from '../kernel/money.ts'
import { resourceKinds } from '../kernel/resource.ts'
import { analyzerNames, levels } from '../rules/index.ts'
import { performanceOf } from '../rules/performance.ts'
import { dataLossOf } from './deed.ts'
import * as Dismissals from './dismissals.ts'
import {
  type Affected,
  type Amounts,
  categories,
  type Facts,
  type Info,
  isEnded,
  statuses,
  stoppedStatuses,
} from './recommendation.ts'

const amount = z.number().nullable()
const exact = z.string().nullable()
const Change = z.object({ action: z.string(), from: z.string(), to: z.string() })
const Confidence = z.object({ level: z.enum(levels), reason: z.string() })
const Named = z.object({ id: z.string(), name: z.string().nullable(), kind: z.enum(resourceKinds) })

export const Public = z.object({
  id: z.string(),
  status: z
    .enum(statuses)
    .describe(
      '`insufficient_data`: `missing` names what is not known. `completed`: it was followed. `expired`: its reason is gone.',
    ),
  title: z.string(),
  description: z.string(),
  category: z.enum(categories),
  riskLevel: z.enum(levels).nullable(),
  effort: z.enum(levels).nullable(),
  confidence: Confidence.nullable(),
  rule: z.string(),
  analyzer: z.enum(analyzerNames),
  provider: z.enum(clouds),
  accountId: z.string(),
  region: z.string(),
  estimatedSavingsMonthly: amount.describe('Of 30 days, at the prices that the organization pays. Null: not known.'),
  estimatedSavingsMonthlyExact: exact,
  estimatedSavingsAnnual: amount.describe('Twelve times the savings of a month.'),
  savingsAreAtMost: z.boolean().describe('Less is saved, but the data does not say how much less.'),
  currency: z.string().nullable(),
  savingsBasis: z.string().nullable().describe('How the savings follow from costs and prices.'),
  committedMonthly: exact.describe('What commitments go on costing, which no saving counts.'),
  priority: exact.describe('Savings x confidence against risk and effort; docs/recommendations.md has the formula.'),
  affectedResources: z.array(
    Named.extend({
      type: z.string().nullable(),
      status: z.string(),
      currentCost: amount,
      currency: z.string().nullable(),
    }),
  ),
  actions: z.array(
    z.object({ type: z.string(), description: z.string(), parameters: z.record(z.string(), z.string()) }),
  ),
  impactAnalysis: z
    .object({ performanceImpact: z.string(), availabilityImpact: z.string(), securityImpact: z.string() })
    .nullable(),
  evidence: z.record(z.string(), z.union([z.string(), z.number()])).describe('What the rule saw.'),
  restartNeeded: z.boolean().nullable(),
  rollbackPossible: z.boolean().nullable().describe('Of all of it. False: some data is lost for ever.'),
  undo: z.string().nullable(),
  alternatives: z
    .array(
      z.object({
        rule: z.string(),
        title: z.string(),
        change: Change,
        estimatedSavingsMonthly: amount,
        confidence: Confidence,
        riskLevel: z.enum(levels),
      }),
    )
    .describe('Other ways for the same resource: at most one can be followed.'),
  missing: z.array(z.string()),
  dismissal: z
    .object({ reason: z.string(), scope: z.enum(Dismissals.scopes), until: exact, by: z.string(), at: z.string() })
    .nullable(),
  executionId: z.string().nullable().describe('Of a scheduled one: GET /v1/executions/{id}.'),
  realizedSavingsMonthly: exact.describe(
    'Of a completed one, from later bills: the daily cost in the 30 days before, less that of the days after, times 30.',
  ),
  realizedDays: z.int().nullable().describe('Days after the change that were measured: 7 at first, then 30.'),
  createdAt: z.string(),
  updatedAt: z.string(),
  endedAt: z.string().nullable(),
  endedBecause: z.string().nullable(),
  expiresAt: z.string().nullable().describe('When an ended one is forgotten. Others last as long as their reason.'),
})
export type Public = z.infer<typeof Public>

const numberOf = (text: string | undefined) => (text === undefined ? null : Money.toNumber(Money.parse(text)))
const annual = (text: string | undefined) => (text === undefined ? null : Money.toNumber(Money.parse(text).times(12)))

/** The name, or the id without the path before it. */
export const nameOf = ({ name, id }: { id: string; name?: string | undefined }): string =>
  name ?? id.slice(id.lastIndexOf('/') + 1)

export function publicOf(info: Info, dismissals: readonly Dismissals.Info[]): Public {
  const { id, finds, category, rule, analyzer, cloud, accountId, region, resources, found, missing } = info
  const [dismissal] = isEnded(info) ? [] : Dismissals.covering(dismissals, Dismissals.advised(info))
  const [resource] = resources
  return {
    id,
    status: dismissal ? 'dismissed' : info.status,
    title: resource ? `${finds}: ${nameOf(resource)}` : finds,
    description: descriptionOf(info),
    category,
    riskLevel: found?.risk ?? null,
    effort: found?.effort ?? null,
    confidence: found?.confidence ?? null,
    rule,
    analyzer,
    provider: cloud,
    accountId,
    region,
    estimatedSavingsMonthly: numberOf(found?.saving.amount),
    estimatedSavingsMonthlyExact: found?.saving.amount ?? null,
    estimatedSavingsAnnual: annual(found?.saving.amount),
    savingsAreAtMost: found?.saving.isAtMost ?? false,
    currency: found?.saving.currency ?? resource?.currency ?? null,
    savingsBasis: found?.saving.basis ?? null,
    committedMonthly: found?.saving.committed ?? null,
    priority: found?.priority ?? null,
    affectedResources: resources.map((each) => ({
      ...namedOf(each),
      type: each.type ?? null,
      status: each.status,
      currentCost: numberOf(each.cost),
      currency: each.currency ?? null,
    })),
    actions: found && resource ? [actionOf(found, resource)] : [],
    impactAnalysis: found ? impactOf(info, found) : null,
    evidence: { ...found?.evidence },
    restartNeeded: found?.restartNeeded ?? null,
    rollbackPossible: found ? found.rollbackPossible && dataLossOf(info) === undefined : null,
    undo: found?.undo ?? null,
    alternatives: (found?.alternatives ?? []).map(({ rule, finds: title, change, saving, confidence, risk }) => ({
      rule,
      title,
      change,
      estimatedSavingsMonthly: numberOf(saving.amount),
      confidence,
      riskLevel: risk,
    })),
    missing,
    dismissal: dismissal ? dismissalOf(dismissal) : null,
    executionId: info.executionId ?? null,
    realizedSavingsMonthly: info.measured?.monthly ?? null,
    realizedDays: info.measured?.days ?? null,
    createdAt: info.foundAt,
    updatedAt: info.updatedAt,
    endedAt: info.endedAt ?? null,
    endedBecause: info.endedBecause ?? null,
    expiresAt: info.expiresAt === undefined ? null : new Date(info.expiresAt * 1000).toISOString(),
  }
}

export const namedOf = ({ id, name, kind }: Pick<Affected, 'id' | 'name' | 'kind'>) => ({
  id,
  name: name ?? null,
  kind,
})

function dismissalOf({ reason, until, createdBy: by, createdAt: at, resourceId, accountId }: Dismissals.Info) {
  const scope = resourceId !== undefined ? 'resource' : accountId !== undefined ? 'rule_here' : 'rule_everywhere'
  return { reason, scope, until: until ?? null, by, at } as const
}

type Found = NonNullable<Facts['found']>

/** `delete, after a snapshot` has the type `delete`. */
export function actionOf({ change }: Found, { id }: Affected): Public['actions'][number] {
  const type = (change.action.split(/[,:]/)[0] ?? '')
    .replaceAll(/\b(?:the|a|an) /g, '')
    .trim()
    .replaceAll(' ', '_')
  const { action, from, to } = change
  return { type, description: `${action}: ${from} -> ${to}`, parameters: { resource_id: id, from, to } }
}

function moneyText({ amount: text, isAtMost, currency = '', basis }: Amounts): string {
  return text === undefined
    ? `The saving is not known: ${basis}.`
    : `It saves ${isAtMost ? 'at most ' : ''}${Money.parse(text).toFixed(2)} ${currency} a month: ${basis}.`
}

function descriptionOf({ found, missing }: Info): string {
  if (!found) return `Not enough data: ${missing.join('; ')}.`
  const { change, saving, confidence } = found
  const committed =
    saving.committed === undefined
      ? ''
      : ` Commitments go on costing ${Money.parse(saving.committed).toFixed(2)} ${saving.currency ?? ''} a month.`
  const done = `${change.action[0]?.toUpperCase() ?? ''}${change.action.slice(1)} (${change.from} -> ${change.to}).`
  return `${done} ${moneyText(saving)}${committed} Confidence is ${confidence.level}: ${confidence.reason}.`
}

const isStop = ({ change }: Found): boolean => stoppedStatuses.has(change.to)

function impactOf({ analyzer, rule }: Facts, found: Found) {
  const { effect, restartNeeded, dependents } = found
  const users = dependents.length === 0 ? '' : ` ${dependents.length} other resources name it.`
  return {
    performanceImpact:
      performanceOf[rule] ??
      (effect === 'changes' && analyzer === 'right_sizing'
        ? 'There is less headroom: the peaks of 14 days fit.'
        : 'No change.'),
    availabilityImpact:
      effect === 'ends'
        ? `${isStop(found) ? 'The resource does not run.' : 'The resource is no longer there.'}${users}`
        : restartNeeded
          ? `The resource restarts.${users}`
          : 'No change.',
    securityImpact: 'No change of permissions.',
  }
}

const State = z.record(z.string(), z.string().nullable()).nullable().describe('Null: the resource is not there.')

export const Preview = z.object({
  costImpact: z.object({
    currentMonthly: exact,
    projectedMonthly: exact,
    savings: exact,
    currency: z.string().nullable(),
    basis: z.string(),
    committedMonthly: exact,
  }),
  resourceChanges: z.array(z.object({ resourceId: z.string(), changeType: z.string(), before: State, after: State })),
  risks: z.array(z.string()),
  dependents: z.array(Named).describe('Other resources that name it.'),
})

/** What would change, for the resources of a finding. */
export function previewOf(given: PreviewGiven): z.infer<typeof Preview> {
  const { found, resources } = given
  const { saving, change, effect, dependents } = found
  const currency = saving.currency ?? resources[0]?.currency ?? null
  const costs = resources.filter((each) => each.cost !== undefined && each.currency === currency)
  const current = Money.sum(costs.map(({ cost = '0' }) => Money.parse(cost)))
  const isKnown = costs.length > 0 && saving.amount !== undefined
  const { type } = actionOf(found, resources[0] ?? { id: '', kind: 'instance', status: '' })
  return {
    costImpact: {
      currentMonthly: costs.length > 0 ? Money.plain(current) : null,
      projectedMonthly: isKnown ? Money.plain(current.minus(saving.amount ?? '0')) : null,
      savings: saving.amount ?? null,
      currency,
      basis: saving.basis,
      committedMonthly: saving.committed ?? null,
    },
    resourceChanges: resources.map((each, index) => {
      const before = { type: each.type ?? null, status: each.status, cost: each.cost ?? null }
      const isOwn = index === 0
      const field = isStop(found) ? 'status' : change.from === each.type ? 'type' : type
      const changed = { ...before, [field]: change.to, ...(effect !== 'none' && { cost: null }) }
      return {
        resourceId: each.id,
        changeType: isOwn ? type : 'ends_with_it',
        before,
        after: (effect === 'ends' && !isStop(found)) || !isOwn ? null : changed,
      }
    }),
    risks: risksOf(found, dataLossOf(given)),
    dependents: dependents.map(namedOf),
  }
}

interface PreviewGiven extends Pick<Info, 'rule' | 'cloud' | 'resources'> {
  found: Found
}

function risksOf(found: Found, dataLoss: string | undefined): string[] {
  const { risk, restartNeeded, rollbackPossible, undo, confidence, dependents, saving } = found
  const isBack = rollbackPossible
    ? `It can be taken back${dataLoss ? ', without the data' : ''}`
    : 'It cannot be taken back'
  return [
    `The risk is ${risk}. ${isBack}: ${undo}`,
    ...(dataLoss === undefined ? [] : [`${dataLoss} The approval asks for the name of the resource.`]),
    ...(restartNeeded ? ['The resource restarts, and is away for some minutes.'] : []),
    ...(confidence.level === 'high' ? [] : [`Confidence is ${confidence.level}: ${confidence.reason}.`]),
    ...(dependents.length > 0 ? [`Other resources name it: ${dependents.map(nameOf).join(', ')}.`] : []),
    ...(saving.committed === undefined ? [] : ['A commitment goes on costing as much until it is used elsewhere.']),
  ]
}
