import { createHash } from 'node:crypto'
import * as z from 'zod'
import type * as CloudAccount from './cloud-account.ts'
import { change } from '../guard/command.ts'
import type { Context } from '../effects/context.ts'
import { Fault, isFault } from '../kernel/fault.ts'

const linkSeconds = 3600

/** What a customer needs to create the role. */
export const AwsSetup = z.object({
  externalId: z.string().describe('Issued for one account. Connect the account with it.'),
  principal: z
    .string()
    .nullable()
    .describe(
      'The principal that assumes the role, a parameter of the templates. Null where it is unknown: name your own.',
    ),
  quickCreateUrl: z
    .string()
    .nullable()
    .describe(
      'Opens CloudFormation with all parameters filled in; works for an hour. Null where CloudFormation cannot fetch the template.',
    ),
  template: z.string().describe('CloudFormation, as JSON: a role that reads costs and resources.'),
  actTemplate: z
    .string()
    .describe('CloudFormation, as JSON: a role that carries out approved actions. Reading does not need it.'),
})

/** Issues an external id for one AWS account, with the templates of the roles that require it. */
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
    // CloudFormation fetches templates from S3 only, and never from an embedded server.
    const isReachable = principal !== undefined && templateUrl.startsWith('https:')
    const quickCreateUrl = isReachable
      ? await access.aws.quickCreateUrl({ templateUrl, externalId: externalId.id, principal })
      : null
    return { externalId: externalId.id, principal: principal ?? null, quickCreateUrl, template: read, actTemplate: act }
  },
)

/** An id as a UUID (RFC 9562, version 8), the usual form of external ids. The same id makes the same UUID. */
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

/** Binds an issued external id to one account for ever. Throws Fault `invalid` if it was not issued, or belongs to another account. */
export async function bindExternalId(ctx: Context, externalId: string, accountId: string): Promise<void> {
  const { externalIds } = ctx.tables
  const issued = await externalIds.get(ctx.orgId, externalId)
  if (issued?.accountId === accountId) return
  if (!issued || issued.accountId !== undefined) {
    const message = 'was not issued for this account; request one with POST /v1/cloud-accounts/aws/setup'
    throw new Fault('invalid', `The external id ${message}.`, [{ path: 'externalId', message }])
  }
  try {
    await externalIds.replace(ctx.orgId, { ...issued, accountId }, { accountId: undefined })
  } catch (error) {
    // Another request bound it first, maybe to the same account.
    if (!isFault(error, 'conflict')) throw error
    await bindExternalId(ctx, externalId, accountId)
  }
}
