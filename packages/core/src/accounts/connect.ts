import * as z from 'zod'
import type * as Audit from '../guard/audit.ts'
import * as CloudAccount from './cloud-account.ts'
import { change } from '../guard/command.ts'
import { type Context, noOrganization } from '../effects/context.ts'
import { Fault, invalid, onConflict } from '../kernel/fault.ts'
import { Name } from '../kernel/name.ts'
import type { CloudCredentials } from '../effects/clouds.ts'
import * as Excluded from '../lake/excluded.ts'
import { bindExternalId } from './external-id.ts'

const AccountName = Name.optional().describe('Your name for the account. By default the name in the cloud.')

const Aws = z.strictObject({
  roleArn: z
    .string()
    .regex(
      /^arn:aws(-cn|-us-gov)?:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/,
      'must be the ARN of a role, arn:aws:iam::123456789012:role/CloudOptimaRead',
    )
    .describe('The ARN of the role that the template created.'),
  externalId: z
    .string()
    .min(1)
    .max(128)
    .describe('The one that `POST /v1/cloud-accounts/aws/setup` answered; no other is accepted.'),
  accountName: AccountName,
})

export const connectAws = change(
  'cloud-accounts.connect-aws',
  Aws,
  'write:accounts',
  async (ctx, { roleArn, externalId, accountName }, note) => {
    const accountId = roleArn.split(':')[4] ?? ''
    await bindExternalId(ctx, externalId, accountId)
    return await connect(ctx, accountId, accountName, { cloud: 'aws', roleArn, externalId }, note)
  },
)

const guid = z.guid('must be a GUID').transform((text) => text.toLowerCase())

const Azure = z.strictObject({
  subscriptionId: guid,
  tenantId: guid,
  clientId: guid,
  clientSecret: z.string().min(1).max(1024).describe('Stored encrypted; no answer ever contains it.'),
  accountName: AccountName,
})

export const connectAzure = change(
  'cloud-accounts.connect-azure',
  Azure,
  'write:accounts',
  async (ctx, { accountName, ...given }, note) =>
    connect(ctx, given.subscriptionId, accountName, { cloud: 'azure', ...given }, note),
)

const ServiceAccount = z.object({
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
    .describe('The key file, in base64. Stored encrypted; no answer ever contains it.'),
  accountName: AccountName,
})

export const connectGcp = change(
  'cloud-accounts.connect-gcp',
  Gcp,
  'write:accounts',
  async (ctx, { projectId, serviceAccountJson, accountName }, note) => {
    const serviceAccount = keyOf(serviceAccountJson)
    return await connect(ctx, projectId, accountName, { cloud: 'gcp', projectId, serviceAccount }, note)
  },
)

/** Throws Fault `invalid`. */
export function keyOf(base64: string) {
  try {
    const { type: _, ...key } = ServiceAccount.parse(JSON.parse(Buffer.from(base64, 'base64').toString()))
    return key
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error
    throw invalid('serviceAccountJson', 'This', 'is not the key file of a service account')
  }
}

async function connect(
  ctx: Context,
  accountId: string,
  accountName: string | undefined,
  credentials: CloudCredentials,
  note: Audit.Note,
) {
  const provider = credentials.cloud
  const id = ctx.newId('acc')
  const where = { provider, accountId }
  const [held] = (await ctx.tables.cloudAccounts.select(ctx.orgId, { where, limit: 1 })).items
  if (held && held.id !== id) throw CloudAccount.alreadyConnected(held.id, accountId)
  const { state, accountName: found } = await CloudAccount.examine(ctx, credentials)
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
  const stored = await storeAndClaim(ctx, account)
  note({ resourceType: 'cloud_account', resourceId: id, after: { provider, accountId, status: stored.status } })
  return CloudAccount.Public.parse(stored)
}

/** As pending, then the claims, which count only with a record, and then the record's status. */
async function storeAndClaim(ctx: Context, account: CloudAccount.Info) {
  const { cloudAccounts } = ctx.tables
  const { status, verificationStatus } = account
  const pending: CloudAccount.Info = { ...account, status: 'pending', verificationStatus: 'pending' }
  await cloudAccounts.put(ctx.orgId, pending)
  const claims = status === 'active' ? [ctx.orgId, noOrganization] : [ctx.orgId]
  for (const among of claims)
    await onConflict(CloudAccount.claim(ctx, account, among), async (claimed) => {
      await cloudAccounts.remove(ctx.orgId, account.id)
      throw claimed
    })
  await Excluded.lift(ctx, CloudAccount.connectionOf(account))
  // A concurrent verification has a newer result.
  return await onConflict(CloudAccount.save(ctx, pending, { status, verificationStatus }), async () =>
    CloudAccount.load(ctx, account.id),
  )
}
