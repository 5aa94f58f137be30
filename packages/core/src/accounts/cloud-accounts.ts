import { createHash } from 'node:crypto'
import * as z from 'zod'
import type * as Audit from '../guard/audit.ts'
import * as CloudAccount from './cloud-account.ts'
import { change } from '../guard/command.ts'
import { type Context, noOrganization } from '../effects/context.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import { Name } from '../kernel/name.ts'
import { purge } from './purge.ts'
import type { CloudCredentials } from '../effects/runtime.ts'
import * as Excluded from '../lake/excluded.ts'

const linkSeconds = 3600

/** What is needed to make the role. */
export const AwsSetup = z.object({
  externalId: z.string().describe('Made by us for one account. Connect the account with it.'),
  principal: z
    .string()
    .nullable()
    .describe('Who assumes the role: the parameter of the templates. Null where that is not known: name your own.'),
  quickCreateUrl: z
    .string()
    .nullable()
    .describe(
      'Opens CloudFormation with everything filled in; good for an hour. Null where CloudFormation could not fetch the template.',
    ),
  template: z.string().describe('CloudFormation, as JSON: a role that reads costs and resources.'),
  actTemplate: z
    .string()
    .describe('CloudFormation, as JSON: a role that carries out what was approved. Not needed to read.'),
})

/** An external id for one AWS account to be connected, made by us, and the templates of the roles that it goes into. */
export const setupAws = change(
  'cloud-accounts.setup-aws',
  z.strictObject({}),
  'write:accounts',
  async (ctx, _, note) => {
    const { tables } = ctx
    const { clouds: access, blobs } = ctx.runtime
    const externalId: CloudAccount.ExternalId = { id: uuidOf(ctx.newId('ext')), createdAt: ctx.now().toISOString() }
    await tables.externalIds.put(ctx.orgId, externalId)
    note({ resourceType: 'external_id', resourceId: externalId.id })
    const { read, act } = await access.aws.templates()
    const principal = await access.aws.principal()
    const key = 'templates/aws-read-role.json'
    await blobs.put(ctx.orgId, key, Buffer.from(read), 'application/json')
    const templateUrl = await blobs.downloadUrl(ctx.orgId, key, linkSeconds)
    // CloudFormation fetches templates from S3 alone: an embedded one does not do.
    const isReachable = principal !== undefined && templateUrl.startsWith('https:')
    const quickCreateUrl = isReachable
      ? await access.aws.quickCreateUrl({ templateUrl, externalId: externalId.id, principal })
      : null
    return { externalId: externalId.id, principal: principal ?? null, quickCreateUrl, template: read, actTemplate: act }
  },
)

/** An id as a UUID (RFC 9562, version 8), as others write external ids; the same id is the same UUID. */
function uuidOf(id: string): string {
  const hash = createHash('sha256').update(id).digest('hex')
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-')
}

const AccountName = Name.optional().describe('As you call it. By default as the cloud does.')

const Aws = z.strictObject({
  roleArn: z
    .string()
    .regex(
      /^arn:aws(-cn|-us-gov)?:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/,
      'must be the ARN of a role, arn:aws:iam::123456789012:role/CloudOptimaRead',
    )
    .describe('Of the role that our template made.'),
  externalId: z
    .string()
    .min(1)
    .max(128)
    .describe('As `POST /v1/cloud-accounts/aws/setup` answered it: no other is taken.'),
  accountName: AccountName,
})

/** Connects an AWS account by a role that trusts us with an external id of ours. */
export const connectAws = change(
  'cloud-accounts.connect-aws',
  Aws,
  'write:accounts',
  async (ctx, { roleArn, externalId, accountName }, note) => {
    const accountId = roleArn.split(':')[4] ?? ''
    await bind(ctx, externalId, accountId)
    return await connect(ctx, { accountId, accountName, credentials: { cloud: 'aws', roleArn, externalId } }, note)
  },
)

/** Gives an external id of ours to one account for ever. Throws Fault `invalid` when it is none, or another account's. */
async function bind(ctx: Context, externalId: string, accountId: string): Promise<void> {
  const { externalIds } = ctx.tables
  const issued = await externalIds.get(ctx.orgId, externalId)
  if (issued?.accountId === accountId) return
  if (!issued || issued.accountId !== undefined) {
    const message = 'was not made by us for this account; ask for one with POST /v1/cloud-accounts/aws/setup'
    throw new Fault('invalid', `The external id ${message}.`, [{ path: 'externalId', message }])
  }
  try {
    await externalIds.replace(ctx.orgId, { ...issued, accountId }, { accountId: undefined })
  } catch (error) {
    // Somebody else was faster: whether for this account is seen anew.
    if (!isFault(error, 'conflict')) throw error
    await bind(ctx, externalId, accountId)
  }
}

const guid = z.guid('must be a GUID').transform((text) => text.toLowerCase())

const Azure = z.strictObject({
  subscriptionId: guid,
  tenantId: guid,
  clientId: guid,
  clientSecret: z.string().min(1).max(1024).describe('Kept encrypted; it never leaves the server again.'),
  accountName: AccountName,
})

/** Connects an Azure subscription by an app registration. */
export const connectAzure = change(
  'cloud-accounts.connect-azure',
  Azure,
  'write:accounts',
  async (ctx, { accountName, ...given }, note) =>
    connect(ctx, { accountId: given.subscriptionId, accountName, credentials: { cloud: 'azure', ...given } }, note),
)

const ServiceAccount = z.looseObject({
  type: z.literal('service_account'),
  client_email: z.email().max(320),
  private_key: z.string().min(1).max(10_000).startsWith('-----BEGIN'),
  private_key_id: z.string().max(128).optional(),
})

const Gcp = z.strictObject({
  projectId: z.string().regex(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, "must be a project's id"),
  serviceAccountJson: z
    .base64('must be base64')
    .max(40_000)
    .describe('The key file, in base64. Kept encrypted; it never leaves the server again.'),
  accountName: AccountName,
})

/** Connects a Google Cloud project by the key of a service account. */
export const connectGcp = change(
  'cloud-accounts.connect-gcp',
  Gcp,
  'write:accounts',
  async (ctx, { projectId, serviceAccountJson, accountName }, note) => {
    const { client_email, private_key, private_key_id } = keyOf(serviceAccountJson)
    const serviceAccount = { client_email, private_key, ...(private_key_id !== undefined && { private_key_id }) }
    return await connect(
      ctx,
      { accountId: projectId, accountName, credentials: { cloud: 'gcp', projectId, serviceAccount } },
      note,
    )
  },
)

function keyOf(base64: string): z.output<typeof ServiceAccount> {
  const refused = () =>
    new Fault('invalid', 'This is not the key file of a service account.', [
      { path: 'serviceAccountJson', message: 'is not the key file of a service account' },
    ])
  try {
    const found = ServiceAccount.safeParse(JSON.parse(Buffer.from(base64, 'base64').toString()))
    if (found.success) return found.data
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw refused()
}

interface Connection {
  accountId: string
  accountName: string | undefined
  credentials: CloudCredentials
}

async function connect(ctx: Context, { accountId, accountName, credentials }: Connection, note: Audit.Note) {
  const provider = credentials.cloud
  const id = ctx.newId('acc')
  const held = (await ctx.tables.cloudAccounts.all(ctx.orgId)).find(
    (account) => account.provider === provider && account.accountId === accountId,
  )
  if (held && held.id !== id) throw CloudAccount.alreadyConnected(held.id, accountId)
  const { accountName: found, ...state } = await CloudAccount.examine(ctx, credentials)
  const openRole = state.verification?.problems.find(({ code }) => code === 'external_id_not_required')
  if (openRole)
    throw new Fault('invalid', openRole.message, [
      { path: 'roleArn', message: 'can be assumed without the external id' },
    ])
  const account: CloudAccount.Info = {
    ...state,
    id,
    provider,
    accountId,
    accountName: accountName ?? found ?? accountId,
    lastSync: null,
    createdAt: ctx.now().toISOString(),
    sealed: await CloudAccount.seal(ctx, id, credentials),
    version: 1,
  }
  const taken = await take(ctx, account)
  note({ resourceType: 'cloud_account', resourceId: id, after: { provider, accountId, status: taken.status } })
  return CloudAccount.shown(taken)
}

/** The record, pending, comes before the claims, of which none counts without one; it is active once they are taken. */
async function take(ctx: Context, account: CloudAccount.Info): Promise<CloudAccount.Info> {
  const { cloudAccounts } = ctx.tables
  const { status, verificationStatus } = account
  const pending: CloudAccount.Info = { ...account, status: 'pending', verificationStatus: 'pending' }
  await cloudAccounts.put(ctx.orgId, pending)
  try {
    await CloudAccount.claim(ctx, account, ctx.orgId)
    if (status === 'active') await CloudAccount.claim(ctx, account, noOrganization)
  } catch (error) {
    if (isFault(error, 'conflict')) await cloudAccounts.remove(ctx.orgId, account.id)
    throw error
  }
  await liftExclusion(ctx, account)
  try {
    return await CloudAccount.save(ctx, pending, { status, verificationStatus })
  } catch (error) {
    if (!isFault(error, 'conflict')) throw error
    // Somebody verified it meanwhile: what they found is newer.
    return await CloudAccount.load(ctx, account.id)
  }
}

/** The costs that a purge of an earlier connection excluded answer again. */
async function liftExclusion(ctx: Context, { id, provider, accountId }: CloudAccount.Info): Promise<void> {
  await Excluded.lift(ctx, { cloud: provider, accountId, cloudAccountId: id })
}

const ById = z.strictObject({ id: z.string().min(1).max(256).describe("The account's id, ours or the cloud's.") })

/** Asks the cloud again what we may do. */
export const verify = change('cloud-accounts.verify', ById, 'write:accounts', async (ctx, { id }, note) => {
  const account = await CloudAccount.load(ctx, id)
  if (account.removedAt !== undefined) throw new Fault('not_found', `There is no cloud account ${id}.`)
  const { accountName: _, ...state } = await CloudAccount.examine(ctx, await CloudAccount.credentialsOf(ctx, account))
  if (state.status === 'active') await CloudAccount.claim(ctx, account, noOrganization)
  // The request that connected the account may have been cut off before this.
  await liftExclusion(ctx, account)
  const after = await CloudAccount.save(ctx, account, state)
  note({
    resourceType: 'cloud_account',
    resourceId: account.id,
    before: { status: account.status },
    after: { status: after.status },
  })
  return CloudAccount.shown(after)
})

const Disconnect = ById.extend({
  costs: z
    .enum(['keep', 'purge'])
    .default('keep')
    .describe(
      "`purge` takes the costs of this account out of every answer, of the past too: its own bills are removed for good, and its rows on another account's bill are excluded until it is connected again. The bill files of another account stay as they were billed.",
    ),
})

/** Stops reading an account at once, removes its credentials, and keeps or purges its costs. A second call completes a first that was cut off. */
export const disconnect = change(
  'cloud-accounts.delete',
  Disconnect,
  'write:accounts',
  async (ctx, { id, costs }, note) => {
    const found = await CloudAccount.load(ctx, id)
    const connection = { cloud: found.provider, accountId: found.accountId, cloudAccountId: found.id }
    if (costs === 'purge') await Excluded.refuseFull(ctx, connection)
    const account =
      found.removedAt === undefined
        ? await CloudAccount.save(ctx, found, { removedAt: ctx.now().toISOString(), sealed: '' })
        : found
    const { provider, accountId, status } = account
    note({ resourceType: 'cloud_account', resourceId: account.id, before: { provider, accountId, status } })
    const purgedPartitions = costs === 'purge' ? await purge(ctx, connection) : 0
    await CloudAccount.unclaim(ctx, account)
    await ctx.tables.cloudAccounts.remove(ctx.orgId, account.id)
    note({ after: { costs, purgedPartitions } })
    return { success: true, purgedPartitions }
  },
)
