import { hash } from 'node:crypto'
import * as z from 'zod'
import { change } from '../guard/command.ts'
import type { Context } from '../effects/context.ts'
import { invalid, onConflict } from '../kernel/fault.ts'

const linkSeconds = 3600

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
      'Opens CloudFormation with all parameters filled in; works for an hour. Null where CloudFormation cannot ' +
        'fetch the template.',
    ),
  template: z.string().describe('CloudFormation, as JSON: a role that reads costs and resources.'),
  actTemplate: z
    .string()
    .describe('CloudFormation, as JSON: a role that carries out approved actions. Reading does not need it.'),
})

const Setup = z.strictObject({})

/** For one AWS account. */
export const setupAws = change('cloud-accounts.setup-aws', Setup, 'write:accounts', async (ctx, _, note) => {
  const { clouds, blobs } = ctx.runtime
  const externalId = uuidOf(ctx.newId('ext'))
  await ctx.tables.externalIds.put(ctx.orgId, { id: externalId, createdAt: ctx.now().toISOString() })
  note({ resourceType: 'external_id', resourceId: externalId })
  const { read: template, act: actTemplate } = await clouds.aws.templates()
  const principal = (await clouds.aws.principal()) ?? null
  const key = 'templates/aws-read-role.json'
  await blobs.put(ctx.orgId, key, Buffer.from(template), 'application/json')
  const templateUrl = await blobs.downloadUrl(ctx.orgId, key, linkSeconds)
  // CloudFormation fetches templates from S3 only, and never from an embedded server.
  const isReachable = principal !== null && templateUrl.startsWith('https:')
  const quickCreateUrl = isReachable ? await clouds.aws.quickCreateUrl({ templateUrl, externalId, principal }) : null
  return { externalId, principal, quickCreateUrl, template, actTemplate }
})

/** RFC 9562, version 8: the usual form of external ids. */
function uuidOf(id: string) {
  const hex = hash('sha256', id)
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5')
}

/** For ever, else throws Fault `invalid`. */
export async function bindExternalId(ctx: Context, externalId: string, accountId: string): Promise<void> {
  const { externalIds } = ctx.tables
  const issued = await externalIds.get(ctx.orgId, externalId)
  if (issued?.accountId === accountId) return
  if (!issued || issued.accountId !== undefined) {
    const message = 'was not issued for this account; request one with POST /v1/cloud-accounts/aws/setup'
    throw invalid('externalId', 'The external id', message)
  }
  const bound = externalIds.replace(ctx.orgId, { ...issued, accountId }, { accountId: undefined })
  // Another request bound it first, maybe to the same account.
  await onConflict(bound, () => bindExternalId(ctx, externalId, accountId))
}
