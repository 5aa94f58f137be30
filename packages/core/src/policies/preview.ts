import * as z from 'zod'
import type { Context } from '../effects/context.ts'
import { Page, Pagination, paginationOf } from '../effects/paged.ts'
import { SafetyControls } from '../executions/safety.ts'
import { change } from '../guard/command.ts'
import { clouds } from '../kernel/cloud.ts'
import { Fault, invalid } from '../kernel/fault.ts'
import * as Money from '../kernel/money.ts'
import * as Actor from '../kernel/actor.ts'
import { resourceKinds } from '../kernel/resource.ts'
import * as Action from './action.ts'
import { Conditions, conditionsIn } from './conditions.ts'
import { fieldOf } from './fields.ts'
import { judge, requested, type Verdict } from './match.ts'
import { load } from './policy.ts'

const Asked = Page.extend({
  policyId: z.string().min(1).max(128).optional().describe('Default: the conditions and the action that are given.'),
  conditions: Conditions.optional(),
  actions: Action.OneAction.optional(),
  safetyControls: SafetyControls.optional().describe('Of these, only protected tags matter here.'),
  show: z.enum(['all', 'matching', 'others']).default('all'),
})

const Costs = z.array(z.object({ currency: z.string(), monthly: z.number(), monthlyExact: z.string() }))

export const Preview = z.object({
  summary: z.object({
    fleet: z.int().describe('Resources that the action can change.'),
    matching: z.int(),
    costs: Costs.describe('Of those that match, in 30 days, in each currency.'),
    withoutCost: z.int().describe('Of those that match, those that the bills do not name.'),
  }),
  resources: z.array(
    z.object({
      provider: z.enum(clouds),
      accountId: z.string(),
      resourceId: z.string(),
      resourceName: z.string().nullable(),
      kind: z.enum(resourceKinds),
      type: z.string().nullable(),
      status: z.string(),
      region: z.string(),
      monthlyCost: z.number().nullable(),
      monthlyCostExact: z.string().nullable(),
      currency: z.string().nullable(),
      matches: z.boolean(),
      failures: z
        .array(z.object({ condition: z.string(), actual: z.string().nullable().describe('Null: it is not known.') }))
        .describe('The conditions that do not hold, with the value of the resource.'),
    }),
  ),
  pagination: Pagination,
})

/** Those that match first, each part with the costliest first. Costs need the permission to read them. */
export const preview = change(
  'policies.preview',
  Asked,
  'read:policies',
  async (ctx, input, note): Promise<z.infer<typeof Preview>> => {
    const { action, conditions, safetyControls } = await questionOf(ctx, input)
    const seesCosts = Actor.may(ctx.actor, 'read:costs')
    if (!seesCosts && conditionsIn(conditions).some(({ field }) => isOfMoney(field)))
      throw new Fault('forbidden', 'The conditions ask for costs. This requires the permission read:costs.')
    const { fleetOf } = await import('./fleet.ts')
    const { members, size } = await fleetOf(ctx, action.name, conditions)
    const protectedTags = safetyControls?.protectedTags ?? []
    const verdicts = judge(members, { conditions, protectedTags }, ctx.now())
    const matching = verdicts.filter(isMatch)
    const shown = { all: verdicts, matching, others: verdicts.filter((verdict) => !isMatch(verdict)) }[input.show]
    const skipped = (input.page - 1) * input.pageSize
    note({ resourceType: 'policy', ...(input.policyId !== undefined && { resourceId: input.policyId }) })
    return {
      summary: { fleet: size, matching: matching.length, ...costsOf(seesCosts ? matching : []) },
      resources: shown.slice(skipped, skipped + input.pageSize).map((verdict) => resourceOf(verdict, seesCosts)),
      pagination: paginationOf(input, shown.length),
    }
  },
)

async function questionOf(
  ctx: Context,
  { policyId, conditions = [], actions: action, safetyControls }: z.output<typeof Asked>,
) {
  if (policyId !== undefined) return await load(ctx, policyId)
  if (!action) throw invalid('actions', 'The action', 'must be given, or a policy_id')
  return { action, conditions, safetyControls }
}

const isOfMoney = (field: string) => fieldOf(field)?.type === 'money'

const isMatch = ({ failures }: Verdict) => failures.length === 0

function costsOf(matching: readonly Verdict[]): Pick<z.infer<typeof Preview>['summary'], 'costs' | 'withoutCost'> {
  const costs = matching.flatMap(({ subject }) => requested(subject).monthlyCost ?? [])
  const totals = Money.totalsBy(
    costs,
    ({ currency }) => currency,
    ({ amount }) => amount,
  )
  return {
    costs: [...totals]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([currency, total]) => ({ currency, ...Money.withExact('monthly', total) })),
    withoutCost: matching.length - costs.length,
  }
}

function resourceOf({ subject, failures }: Verdict, seesCosts: boolean): z.infer<typeof Preview>['resources'][number] {
  const { provider, accountId, id, name, kind, region, ...known } = requested(subject)
  const monthlyCost = seesCosts ? known.monthlyCost : null
  return {
    provider,
    accountId,
    resourceId: id,
    resourceName: name,
    kind,
    type: subject.type ?? null,
    status: subject.status,
    region,
    monthlyCost: monthlyCost && Money.toNumber(Money.parse(monthlyCost.amount)),
    monthlyCostExact: monthlyCost?.amount ?? null,
    currency: monthlyCost?.currency ?? null,
    matches: failures.length === 0,
    failures: [...failures],
  }
}
