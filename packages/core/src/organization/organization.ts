import * as z from 'zod'
import { change, command } from '../guard/command.ts'
import type { Context } from '../effects/context.ts'
import { event } from '../effects/relay.ts'
import type { Event } from '../kernel/event.ts'
import { Fault, invalid } from '../kernel/fault.ts'
import { forgetAuthStates } from '../guard/auth-memory.ts'
import { TimeZone } from '../kernel/calendar.ts'
import { Name } from '../kernel/name.ts'
import type { Updated } from '../effects/tables.ts'
import { Tier } from './tier.ts'
import * as Usage from './usage.ts'
import * as AnomalySettings from '../anomalies/settings.ts'
import * as RecommendationSettings from '../recommendations/settings.ts'
import * as TagSettings from '../tags/settings.ts'
import type { OpenIdProvider } from '../effects/runtime.ts'
import type { Role } from '../kernel/permission.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    organizations: Table<Info>
    organizationIndex: Table<{ id: string }>
  }
}

export { requestsPerHour, Tier } from './tier.ts'

const Settings = z.object({
  name: Name,
  tier: Tier.describe(
    'Requests an hour: free 1,000, pro 10,000, enterprise 100,000; and the quotas in `usage`. Only the operator ' +
      'changes it.',
  ),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be a currency of ISO 4217, such as USD')
    .nullable()
    .describe('Default currency of answers. Null: the most frequent currency of the bills.'),
  timeZone: TimeZone.describe(
    'Used by schedules, reports and the working time of recommendations; costs are counted by UTC days.',
  ),
  retention: z
    .strictObject({
      snapshotDays: z
        .int()
        .min(30)
        .max(3650)
        .nullable()
        .describe('Days for which replaced versions of a bill stay readable by `as_of`. Null: forever.'),
    })
    .describe('Retention periods.'),
  approvalRules: z
    .strictObject({
      approvals: z.int().min(1).max(5).describe('Number of approvals that a remediation requires.'),
      allowSelfApproval: z
        .boolean()
        .describe('Whether users may approve their own requests; only with one active user.'),
    })
    .describe('Approvals required before a cloud is changed.'),
  anomalies: AnomalySettings.Settings.describe('Which unexpected costs are reported.'),
  recommendations: RecommendationSettings.Settings.describe('Which recommendations are announced.'),
  tags: TagSettings.Settings.describe('Tags that are required, and tags that rules give to costs.'),
  requireSecondFactor: z
    .boolean()
    .describe(
      'Users who sign in with a password need a second factor; without one they can only set one up. Sign-in by ' +
        'a provider is exempt.',
    ),
})

export const Public = Settings.extend({
  id: z.string(),
  isDemo: z.boolean().describe('Demo organization: sample costs, no imports.'),
  createdAt: z.string(),
  updatedAt: z.string(),
  stopped: z
    .object({ by: z.string(), at: z.string(), reason: z.string() })
    .nullable()
    .describe('The stop switch: since then no execution changes anything. Null: executions run.'),
})

export interface Info extends Omit<z.infer<typeof Public>, 'anomalies' | 'recommendations' | 'tags' | 'stopped'> {
  /** Undefined in organizations that are older than it. */
  anomalies?: AnomalySettings.Settings
  recommendations?: RecommendationSettings.Settings
  tags?: TagSettings.Settings
  stopped?: NonNullable<z.infer<typeof Public>['stopped']> | undefined
  version: number
  adminIds: string[]
  usersHeldUntil?: string | undefined
  signIn?: SignIn | undefined
  tokenIssuer?: { issuer: string; audience: string } | undefined
}

export interface SignIn extends Omit<OpenIdProvider, 'clientSecret'> {
  sealedSecret?: string | undefined
  passwords: boolean
  newUsers?: { domains: string[]; role: Exclude<Role, 'admin'> } | undefined
}

export function founded(id: string, name: string, adminId: string, now: Date, given: Partial<Info> = {}): Info {
  return {
    id,
    name,
    isDemo: false,
    tier: 'free',
    currency: null,
    timeZone: 'UTC',
    retention: { snapshotDays: null },
    approvalRules: { approvals: 1, allowSelfApproval: false },
    requireSecondFactor: false,
    createdAt: now.toISOString(),
    updatedAt: now.toISOString(),
    version: 1,
    adminIds: [adminId],
    ...given,
  }
}

export async function load({ tables, orgId }: Context): Promise<Info> {
  const found = await tables.organizations.get(orgId, orgId)
  if (!found) throw new Fault('not_found', 'The organization does not exist.')
  return found
}

export async function edit(
  ctx: Context,
  edit: (organization: Info) => Partial<Info>,
  events: readonly Event[] = [],
): Promise<Updated<Info>> {
  const edited = (organization: Info) => ({
    ...organization,
    ...edit(organization),
    updatedAt: ctx.now().toISOString(),
    version: organization.version + 1,
  })
  return await ctx.tables.organizations.update(ctx.orgId, ctx.orgId, edited, events)
}

export const Shown = Public.extend({ usage: Usage.Public.describe('What the deliveries use of the quotas.') })

function publicOf(organization: Info): z.infer<typeof Public> {
  return Public.parse({
    anomalies: AnomalySettings.defaults,
    recommendations: RecommendationSettings.defaults,
    tags: TagSettings.defaults,
    ...organization,
    stopped: organization.stopped ?? null,
  })
}

async function shown(ctx: Context, organization: Info) {
  return Shown.parse({ ...publicOf(organization), usage: await Usage.shown(ctx, organization.tier) })
}

export const get = command('organization.get', z.strictObject({}), 'member', async (ctx) => shown(ctx, await load(ctx)))

const Input = z.strictObject(Settings.partial().shape)

export const update = change('organization.update', Input, 'write:settings', async (ctx, input, note) => {
  if (input.approvalRules?.allowSelfApproval) await requireSingleUser(ctx)
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as Partial<Info>
  const isJudgement = [input.anomalies, input.recommendations, input.tags, input.timeZone].some(
    (given) => given !== undefined,
  )
  const events = isJudgement ? [event(ctx, 'judgement.changed', {})] : []
  const { before, after } = await edit(
    ctx,
    ({ tier }) => {
      if (input.tier !== undefined && input.tier !== tier)
        throw new Fault('forbidden', `Only the operator changes the tier, which is ${tier}. Leave it out.`)
      return given
    },
    events,
  )
  forgetAuthStates(ctx.runtime)
  note({
    resourceType: 'organization',
    resourceId: ctx.orgId,
    before: publicOf(before),
    after: publicOf(after),
  })
  return await shown(ctx, after)
})

const TierInput = z.strictObject({ tier: Tier })

/** Throws Fault `not_found`. */
export const setTier = change('organization.set-tier', TierInput, 'operator', async (ctx, { tier }, note) => {
  const { before } = await edit(ctx, () => ({ tier }))
  forgetAuthStates(ctx.runtime)
  note({ resourceType: 'organization', resourceId: ctx.orgId, before: { tier: before.tier }, after: { tier } })
  return { organizationId: ctx.orgId, before: before.tier, tier }
})

async function requireSingleUser({ tables, orgId }: Context) {
  const { total } = await tables.users.select(orgId, { where: { isActive: true }, limit: 0 })
  if (total <= 1) return
  const message = 'requires an organization with one active user'
  throw invalid('approvalRules.allowSelfApproval', 'Self-approval', message)
}
