import * as z from 'zod'
import { change, command } from '../guard/command.ts'
import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import { forgetAuthStates } from '../guard/auth-memory.ts'
import { Name } from '../kernel/name.ts'
import type { OpenIdProvider } from '../effects/runtime.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    organizations: Table<Info>
    /** Every organization; under `noOrganization`. */
    organizationIndex: Table<{ id: string }>
  }
}

const Tier = z.enum(['free', 'pro', 'enterprise'])
type Tier = z.infer<typeof Tier>

/** Requests an hour that an organization may make (specification 3.1). */
export const requestsPerHour: Record<Tier, number> = { free: 1_000, pro: 10_000, enterprise: 100_000 }

const Settings = z.object({
  name: Name,
  tier: Tier.describe('Requests an hour: free 1,000, pro 10,000, enterprise 100,000.'),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be a currency of ISO 4217, such as USD')
    .nullable()
    .describe('In which costs are answered by default. Null: the one in which most of the bills are.'),
  timeZone: z
    .string()
    .refine(isTimeZone, 'must be a time zone of the IANA database, such as Europe/Zurich')
    .describe('For schedules and reports; costs are counted by days in UTC.'),
  retention: z
    .strictObject({
      snapshotDays: z
        .number()
        .int()
        .min(30)
        .max(3650)
        .nullable()
        .describe('How long replaced versions of a bill stay readable by `as_of`. Null: for ever.'),
    })
    .describe('What is kept, and how long.'),
  approvalRules: z
    .strictObject({
      approvals: z.number().int().min(1).max(5).describe('How many people must approve a remediation.'),
      allowSelfApproval: z
        .boolean()
        .describe('Whether somebody may approve what they requested themselves: only in an organization of one.'),
    })
    .describe('Who must agree before anything is changed in a cloud.'),
  requireSecondFactor: z
    .boolean()
    .describe(
      'Who signs in with a password and has no second factor can do nothing but switch one on. Who comes by a provider is left to it.',
    ),
})

/** What an organization is and how it wants things. */
export const Public = Settings.extend({
  id: z.string(),
  isDemo: z.boolean().describe('Its costs are invented; it takes no bills.'),
  createdAt: z.string(),
  updatedAt: z.string(),
})

/** An organization as it is kept. */
export interface Info extends z.infer<typeof Public> {
  version: number
  /** At least these users are active admins: the last one cannot go. */
  adminIds: string[]
  /** Until then somebody changes who is admin, and nobody else does. */
  usersHeldUntil?: string | undefined
  signIn?: SignIn | undefined
  tokenIssuer?: { issuer: string; audience: string } | undefined
}

/** Sign-in through the organization's own OpenID Connect provider. */
export interface SignIn extends Omit<OpenIdProvider, 'clientSecret'> {
  sealedSecret?: string
  /** Whether members may sign in with a password all the same. Admins always may, or a broken provider would lock everybody out. */
  passwords: boolean
  /** Whoever the provider vouches for, with an address of these domains, becomes a member with this role; without, only who is one already or is invited can sign in. */
  newUsers?: { domains: string[]; role: 'viewer' | 'analyst' | 'engineer' | 'devops' | 'cfo' }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** A new organization with the settings that one begins with. */
export function founded(
  id: string,
  name: string,
  adminId: string,
  now: Date,
  given: Partial<Pick<Info, 'tier' | 'isDemo'>> = {},
): Info {
  const at = now.toISOString()
  const settings = {
    tier: 'free',
    currency: null,
    timeZone: 'UTC',
    retention: { snapshotDays: null },
    approvalRules: { approvals: 1, allowSelfApproval: false },
    requireSecondFactor: false,
  } as const
  return {
    ...settings,
    id,
    name,
    isDemo: false,
    ...given,
    createdAt: at,
    updatedAt: at,
    version: 1,
    adminIds: [adminId],
  }
}

/** Throws Fault `not_found`. */
export async function load({ tables, orgId }: Context): Promise<Info> {
  const found = await tables.organizations.get(orgId, orgId)
  if (!found) throw new Fault('not_found', 'There is no such organization.')
  return found
}

/** Changes the organization in one conditional write; `edit` sees the newest state, may throw, and is called again when somebody else was faster. Answers both states. */
export async function edit(
  ctx: Context,
  edit: (organization: Info) => Partial<Info>,
): Promise<{ before: Info; after: Info }> {
  return await ctx.tables.organizations.update(ctx.orgId, ctx.orgId, (organization) => ({
    ...organization,
    ...edit(organization),
    updatedAt: ctx.now().toISOString(),
    version: organization.version + 1,
  }))
}

/** What is shown of it. */
export function toPublic(organization: Info): z.infer<typeof Public> {
  return Public.parse(organization)
}

/** The caller's organization. */
export const get = command('organization.get', z.strictObject({}), 'member', async (ctx) => toPublic(await load(ctx)))

/** Changes what is given; the rest stays. */
export const update = change(
  'organization.update',
  z.strictObject(Settings.partial().shape),
  'write:settings',
  async (ctx, input, note) => {
    if (input.approvalRules?.allowSelfApproval) await requireSingleUser(ctx)
    const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as Partial<Info>
    const { before, after } = await edit(ctx, () => given)
    forgetAuthStates(ctx.runtime)
    note({ resourceType: 'organization', resourceId: ctx.orgId, before: toPublic(before), after: toPublic(after) })
    return toPublic(after)
  },
)

/** Throws Fault `invalid` where there is somebody else who could approve. */
async function requireSingleUser({ tables, orgId }: Context): Promise<void> {
  const active = (await tables.users.all(orgId)).filter(({ isActive }) => isActive)
  if (active.length <= 1) return
  const message = 'is only for an organization of one: here somebody else can approve'
  throw new Fault('invalid', `Approving what one requested oneself ${message}.`, [
    { path: 'approvalRules.allowSelfApproval', message },
  ])
}
