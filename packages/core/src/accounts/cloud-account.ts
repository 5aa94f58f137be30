import * as z from 'zod'
import { type Context, noOrganization } from '../effects/context.ts'
import { event } from '../effects/relay.ts'
import * as Envelope from '../guard/envelope.ts'
import { Fault, isFault, onConflict } from '../kernel/fault.ts'
import { clouds } from '../kernel/cloud.ts'
import type { Connection } from '../lake/excluded.ts'
import type { CloudCredentials } from '../effects/clouds.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    cloudAccounts: Table<Info>
    externalIds: Table<ExternalId>
    /** Claims of an organization, under its id, and of all organizations, under `noOrganization`. */
    accountClaims: Table<Claim>
  }
}

const Report = z.object({
  checkedAt: z.string(),
  problems: z.array(
    z.object({
      code: z.enum(['credentials_refused', 'external_id_not_required', 'wrong_account', 'not_found']),
      message: z.string(),
    }),
  ),
  missing: z
    .array(z.object({ permission: z.string(), neededFor: z.string() }))
    .describe("Each missing permission, by the cloud's own name for it."),
})

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
  canAct: z
    .boolean()
    .default(false)
    .describe('Whether credentials for actions are stored. Without them changes can only be planned.'),
  lastSync: z.string().nullable(),
  createdAt: z.string(),
})

export interface Info extends z.input<typeof Public> {
  sealed: string
  /** The credentials for actions, of their own role. */
  sealedToAct?: string | undefined
  /** Since then the account is being disconnected and nothing reads it. */
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

/** The first account to use it. */
export interface ExternalId {
  id: string
  createdAt: string
  accountId?: string
}

export async function load(ctx: Context, id: string): Promise<Info> {
  const { cloudAccounts } = ctx.tables
  const found =
    (await cloudAccounts.get(ctx.orgId, id)) ??
    (await cloudAccounts.select(ctx.orgId, { where: { accountId: id }, limit: 1 })).items[0]
  if (!found) throw new Fault('not_found', `There is no cloud account ${id}.`)
  return found
}

/** Whether nobody has begun to disconnect it. */
export async function isConnected(ctx: Context, id: string): Promise<boolean> {
  const account = await ctx.tables.cloudAccounts.get(ctx.orgId, id)
  return account !== undefined && account.removedAt === undefined
}

export function connectionOf({ id, provider, accountId }: Info): Connection {
  return { cloud: provider, accountId, cloudAccountId: id }
}

/** A status of `active` asks for the collection of the account. */
export async function save(ctx: Context, before: Info, edited: Partial<Info>): Promise<Info> {
  const after: Info = { ...before, ...edited, version: before.version + 1 }
  const connected = event(ctx, 'account.connected', { cloudAccountId: before.id })
  const events = edited.status === 'active' ? [connected] : []
  await ctx.tables.cloudAccounts.replace(ctx.orgId, after, { version: before.version }, events)
  return after
}

const purposeOf = (id: string) => `cloud-account/${id}`

export async function seal(ctx: Context, id: string, credentials: CloudCredentials): Promise<string> {
  return await Envelope.seal(ctx, purposeOf(id), JSON.stringify(credentials))
}

export async function credentialsOf(ctx: Context, { id, sealed }: Info): Promise<CloudCredentials> {
  return JSON.parse(await Envelope.open(ctx, purposeOf(id), sealed)) as CloudCredentials
}

const actPurposeOf = (id: string) => `${purposeOf(id)}/act`

export async function sealToAct(ctx: Context, id: string, credentials: CloudCredentials): Promise<string> {
  return await Envelope.seal(ctx, actPurposeOf(id), JSON.stringify(credentials))
}

/** Undefined for an account that can only be planned for. */
export async function credentialsToAct(ctx: Context, { id, sealedToAct }: Info): Promise<CloudCredentials | undefined> {
  if (sealedToAct === undefined) return undefined
  return JSON.parse(await Envelope.open(ctx, actPurposeOf(id), sealedToAct)) as CloudCredentials
}

type State = Pick<Info, 'status' | 'verificationStatus' | 'verification'>

/** If the cloud does not answer, the account stays pending. */
export async function examine(
  ctx: Context,
  credentials: CloudCredentials,
): Promise<{ state: State; accountName?: string | undefined }> {
  try {
    const { ok, problems, missing, accountName } = await ctx.runtime.clouds[credentials.cloud].verify(credentials)
    const verification = { checkedAt: ctx.now().toISOString(), problems, missing }
    const state: State = ok
      ? { status: 'active', verificationStatus: 'verified', verification }
      : { status: 'error', verificationStatus: 'failed', verification }
    return { state, accountName }
  } catch (error) {
    if (!isFault(error, 'unavailable')) throw error
    ctx.log.warn('a cloud does not answer', { provider: credentials.cloud, error })
    return { state: { status: 'pending', verificationStatus: 'pending', verification: null } }
  }
}

/**
 * For the account's organization, or among all (`noOrganization`) once it can be read; throws Fault `conflict` without
 * the name of the other organization.
 */
export async function claim(ctx: Context, { id, provider, accountId }: Info, among: string): Promise<void> {
  const { accountClaims, cloudAccounts } = ctx.tables
  const mine: Claim = { id: `${provider}/${accountId}`, orgId: ctx.orgId, cloudAccountId: id }
  await accountClaims.upsert(among, mine.id, async (held) => {
    if (held?.orgId === ctx.orgId && held.cloudAccountId === id) return undefined
    // A killed disconnection leaves a claim without a record.
    if (held && (await cloudAccounts.get(held.orgId, held.cloudAccountId))) throw taken(ctx, held, accountId)
    return mine
  })
}

function taken(ctx: Context, { orgId, cloudAccountId }: Claim, accountId: string) {
  if (orgId === ctx.orgId) return alreadyConnected(cloudAccountId, accountId)
  return new Fault(
    'conflict',
    `${accountId} cannot be connected here: it is connected elsewhere. Disconnect it there first, or ask us.`,
  )
}

export function alreadyConnected(id: string, accountId: string): Fault {
  return new Fault('conflict', `${accountId} is connected already, as ${id}. Verify it again, or disconnect it first.`)
}

export async function unclaim(ctx: Context, { id, provider, accountId }: Info): Promise<void> {
  const mine = { orgId: ctx.orgId, cloudAccountId: id }
  for (const among of [noOrganization, ctx.orgId])
    // A claim of another account stays.
    await onConflict(ctx.tables.accountClaims.remove(among, `${provider}/${accountId}`, [], mine), () => undefined)
}
