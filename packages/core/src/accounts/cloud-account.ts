import * as z from 'zod'
import { type Context, noOrganization } from '../effects/context.ts'
import * as Envelope from '../guard/envelope.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import { clouds } from '../kernel/cloud.ts'
import type { Connection } from '../lake/excluded.ts'
import type { CloudCredentials, Verification } from '../effects/runtime.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    cloudAccounts: Table<Info>
    externalIds: Table<ExternalId>
    /** Claims of an organization, under its id, and of all organizations, under `noOrganization`. */
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
    .describe("Each missing permission, by the cloud's own name for it."),
})

/** A connected cloud account as answers show it: without credentials, also without masked ones. */
export const Public = z.object({
  id: z.string(),
  provider: z.enum(clouds),
  accountId: z.string().describe("The id in the cloud: AWS's twelve digits, Azure's subscription, Google's project."),
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

/** A cloud account as it is stored. */
export interface Info extends z.infer<typeof Public> {
  /** The credentials, sealed for this account. */
  sealed: string
  /** The account is being disconnected, and nothing reads it any more. */
  removedAt?: string
  version: number
}

/** The one organization that reads a cloud account. */
export interface Claim {
  /** `{cloud}/{account}` */
  id: string
  orgId: string
  cloudAccountId: string
}

/** An external id that the product issued to an organization for one AWS account. */
export interface ExternalId {
  id: string
  createdAt: string
  /** The account that used it first, and the only one that can use it again. */
  accountId?: string
}

/** The account as answers show it. */
export function shown(account: Info): z.infer<typeof Public> {
  return Public.parse(account)
}

/** The account with this id, of the product or of the cloud. Throws Fault `not_found`. */
export async function load(ctx: Context, id: string): Promise<Info> {
  const { cloudAccounts } = ctx.tables
  const found =
    (await cloudAccounts.get(ctx.orgId, id)) ??
    (await cloudAccounts.all(ctx.orgId)).find(({ accountId }) => accountId === id)
  if (!found) throw new Fault('not_found', `There is no cloud account ${id}.`)
  return found
}

/** The account and its connection, as the lake's exclusions name them. */
export function connectionOf({ id, provider, accountId }: Info): Connection {
  return { cloud: provider, accountId, cloudAccountId: id }
}

/** Changes an account by one conditional write. Throws Fault `conflict` if it changed meanwhile. */
export async function save(ctx: Context, before: Info, edited: Partial<Info>): Promise<Info> {
  const after: Info = { ...before, ...edited, version: before.version + 1 }
  await ctx.tables.cloudAccounts.replace(ctx.orgId, after, { version: before.version })
  return after
}

const purposeOf = (id: string): string => `cloud-account/${id}`

/** Seals credentials for this organization and this account. */
export async function seal(ctx: Context, id: string, credentials: CloudCredentials): Promise<string> {
  return await Envelope.seal(ctx, purposeOf(id), JSON.stringify(credentials))
}

/** The inverse of {@link seal}. */
export async function credentialsOf(ctx: Context, { id, sealed }: Info): Promise<CloudCredentials> {
  return JSON.parse(await Envelope.open(ctx, purposeOf(id), sealed)) as CloudCredentials
}

/** Asks the cloud which permissions the credentials have. If the cloud does not answer, the account stays pending. */
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
 * Claims an account whose record exists: under its organization, and under `noOrganization` once it can be read. Throws Fault `conflict` if it is claimed
 * already; the message does not name the other organization.
 */
export async function claim(ctx: Context, { id, provider, accountId }: Info, among: string): Promise<void> {
  const { accountClaims, cloudAccounts } = ctx.tables
  const mine: Claim = { id: `${provider}/${accountId}`, orgId: ctx.orgId, cloudAccountId: id }
  await accountClaims.upsert(among, mine.id, async (held) => {
    if (held?.orgId === ctx.orgId && held.cloudAccountId === id) return undefined
    // A claim without a record is left over from a disconnection that was killed.
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

/** Removes the claims, so that others can connect the account. */
export async function unclaim(ctx: Context, { id, provider, accountId }: Info): Promise<void> {
  const key = `${provider}/${accountId}`
  for (const among of [noOrganization, ctx.orgId]) {
    const held = await ctx.tables.accountClaims.get(among, key)
    if (held?.orgId === ctx.orgId && held.cloudAccountId === id) await ctx.tables.accountClaims.remove(among, key)
  }
}
