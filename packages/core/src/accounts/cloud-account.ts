import * as z from 'zod'
import { type Context, noOrganization } from '../effects/context.ts'
import * as Envelope from '../guard/envelope.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import { clouds } from '../kernel/cloud.ts'
import type { CloudCredentials, Verification } from '../effects/runtime.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    cloudAccounts: Table<Info>
    externalIds: Table<ExternalId>
    /** The organization that each cloud account is connected to; under `noOrganization`. */
    accountClaims: Table<Claim>
  }
}

const Problem = z.object({
  code: z.enum(['credentials_refused', 'external_id_not_required', 'wrong_account', 'not_found']),
  message: z.string(),
})

/** What the last verification found. */
export const Report = z.object({
  checkedAt: z.string(),
  problems: z.array(Problem),
  missing: z
    .array(z.object({ permission: z.string(), neededFor: z.string() }))
    .describe("Each permission that lacks, by the cloud's own name for it."),
})

/** A cloud account that an organization connected, as it is shown: nothing of its credentials, not even masked. */
export const Public = z.object({
  id: z.string(),
  provider: z.enum(clouds),
  accountId: z.string().describe("As the cloud has it: AWS's twelve digits, Azure's subscription, Google's project."),
  accountName: z.string(),
  status: z
    .enum(['active', 'error', 'pending'])
    .describe(
      '`active`: it can be read. `error`: the last verification failed. `pending`: it could not be verified yet.',
    ),
  verificationStatus: z.enum(['pending', 'verified', 'failed']),
  verification: Report.nullable(),
  lastSync: z.string().nullable(),
  createdAt: z.string(),
})

/** A cloud account as it is kept. */
export interface Info extends z.infer<typeof Public> {
  /** The credentials, sealed for this account. */
  sealed: string
  /** It is being disconnected: nothing reads it any more. */
  removedAt?: string
  version: number
}

/** Which organization reads a cloud account: no two do. */
export interface Claim {
  /** `{cloud}/{account}` */
  id: string
  orgId: string
  cloudAccountId: string
}

/** An external id that we made for an organization and one account of AWS: no other is taken. */
export interface ExternalId {
  id: string
  createdAt: string
  /** The account that it belongs to from its first use on, for ever. */
  accountId?: string
}

/** What is shown of an account. */
export function shown(account: Info): z.infer<typeof Public> {
  return Public.parse(account)
}

/** The account of this id, ours or the cloud's. Throws Fault `not_found`. */
export async function load(ctx: Context, id: string): Promise<Info> {
  const { cloudAccounts } = ctx.tables
  const found =
    (await cloudAccounts.get(ctx.orgId, id)) ??
    (await cloudAccounts.all(ctx.orgId)).find(({ accountId }) => accountId === id)
  if (!found) throw new Fault('not_found', `There is no cloud account ${id}.`)
  return found
}

/** Changes an account in one conditional write. Throws Fault `conflict` when it changed meanwhile. */
export async function save(ctx: Context, before: Info, edited: Partial<Info>): Promise<Info> {
  const after: Info = { ...before, ...edited, version: before.version + 1 }
  await ctx.tables.cloudAccounts.replace(ctx.orgId, after, { version: before.version })
  return after
}

const purposeOf = (id: string): string => `cloud-account/${id}`

/** The credentials, readable for this organization and this account only. */
export async function seal(ctx: Context, id: string, credentials: CloudCredentials): Promise<string> {
  return await Envelope.seal(ctx, purposeOf(id), JSON.stringify(credentials))
}

/** The inverse of {@link seal}. */
export async function credentialsOf(ctx: Context, { id, sealed }: Info): Promise<CloudCredentials> {
  return JSON.parse(await Envelope.open(ctx, purposeOf(id), sealed)) as CloudCredentials
}

/** Asks the cloud what the credentials can do. A cloud that does not answer leaves the account pending. */
export async function examine(
  ctx: Context,
  credentials: CloudCredentials,
): Promise<Pick<Info, 'status' | 'verificationStatus' | 'verification'> & Pick<Verification, 'accountName'>> {
  try {
    const { ok, problems, missing, accountName } = await ctx.runtime.clouds[credentials.cloud].verify(credentials)
    const verification = { checkedAt: ctx.now().toISOString(), problems, missing }
    const named = accountName !== undefined && { accountName }
    return ok
      ? { status: 'active', verificationStatus: 'verified', verification, ...named }
      : { status: 'error', verificationStatus: 'failed', verification, ...named }
  } catch (error) {
    if (!isFault(error, 'unavailable')) throw error
    ctx.log.warn('a cloud does not answer', { provider: credentials.cloud, error })
    return { status: 'pending', verificationStatus: 'pending', verification: null }
  }
}

/**
 * Takes an account, whose record is there already: among those of its organization, and once it can be read (`nobody`) among those of all. Throws Fault
 * `conflict` when it is taken: by which other organization is not said.
 */
export async function claim(ctx: Context, { id, provider, accountId }: Info, among: string): Promise<void> {
  const { accountClaims, cloudAccounts } = ctx.tables
  const mine: Claim = { id: `${provider}/${accountId}`, orgId: ctx.orgId, cloudAccountId: id }
  await accountClaims.upsert(among, mine.id, async (held) => {
    if (held?.orgId === ctx.orgId && held.cloudAccountId === id) return undefined
    // A claim without its record was left behind by whoever was cut off while they removed both.
    if (held && (await cloudAccounts.get(held.orgId, held.cloudAccountId))) throw taken(ctx, held, accountId)
    return mine
  })
}

function taken(ctx: Context, { orgId, cloudAccountId }: Claim, accountId: string): Fault {
  if (orgId === ctx.orgId) return alreadyConnected(cloudAccountId, accountId)
  return new Fault(
    'conflict',
    `${accountId} cannot be connected here: it is connected elsewhere. Disconnect it there first, or ask us.`,
  )
}

export function alreadyConnected(id: string, accountId: string): Fault {
  return new Fault('conflict', `${accountId} is connected already, as ${id}. Verify it again, or disconnect it first.`)
}

/** Lets the account be connected by others again. */
export async function unclaim(ctx: Context, { id, provider, accountId }: Info): Promise<void> {
  const key = `${provider}/${accountId}`
  for (const among of [noOrganization, ctx.orgId]) {
    const held = await ctx.tables.accountClaims.get(among, key)
    if (held?.orgId === ctx.orgId && held.cloudAccountId === id) await ctx.tables.accountClaims.remove(among, key)
  }
}
