import * as z from 'zod'
import * as CloudAccount from './cloud-account.ts'
import { change } from '../guard/command.ts'
import { noOrganization } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import * as Excluded from '../lake/excluded.ts'
import { removeSources } from '../collect/plan.ts'
import { purge } from './purge.ts'

export { connectAws, connectAzure, connectGcp } from './connect.ts'
export { allowActions, forbidActions } from './act-access.ts'
export { AwsSetup, setupAws } from './external-id.ts'

const ById = z.strictObject({
  id: z.string().min(1).max(256).describe("The account's id in the product or in the cloud."),
})

export const verify = change('cloud-accounts.verify', ById, 'write:accounts', async (ctx, { id }, note) => {
  const account = await CloudAccount.load(ctx, id)
  if (account.removedAt !== undefined) throw new Fault('not_found', `There is no cloud account ${id}.`)
  const { state } = await CloudAccount.examine(ctx, await CloudAccount.credentialsOf(ctx, account))
  if (state.status === 'active') await CloudAccount.claim(ctx, account, noOrganization)
  // A killed connection may have left the exclusion.
  await Excluded.lift(ctx, CloudAccount.connectionOf(account))
  const after = await CloudAccount.save(ctx, account, state)
  const { id: resourceId, status } = account
  note({ resourceType: 'cloud_account', resourceId, before: { status }, after: { status: after.status } })
  return CloudAccount.Public.parse(after)
})

const Disconnect = ById.extend({
  costs: z
    .enum(['keep', 'purge'])
    .default('keep')
    .describe(
      '`purge` takes the costs of this account out of every answer, of the past too: its own bills are removed ' +
        "for good, and its rows on another account's bill are excluded until it is connected again. The bill files " +
        'of another account stay as they were billed.',
    ),
})

/** Completes a killed call. */
export const disconnect = change(
  'cloud-accounts.delete',
  Disconnect,
  'write:accounts',
  async (ctx, { id, costs }, note) => {
    const found = await CloudAccount.load(ctx, id)
    const connection = CloudAccount.connectionOf(found)
    if (costs === 'purge') await Excluded.refuseFull(ctx, connection)
    const account =
      found.removedAt === undefined
        ? await CloudAccount.save(ctx, found, {
            removedAt: ctx.now().toISOString(),
            sealed: '',
            sealedToAct: undefined,
            canAct: false,
          })
        : found
    const { provider, accountId, status } = account
    note({ resourceType: 'cloud_account', resourceId: account.id, before: { provider, accountId, status } })
    const purgedPartitions = costs === 'purge' ? await purge(ctx, connection) : 0
    await removeSources(ctx, account.id)
    await CloudAccount.unclaim(ctx, account)
    await ctx.tables.cloudAccounts.remove(ctx.orgId, account.id)
    note({ after: { costs, purgedPartitions } })
    return { success: true, purgedPartitions }
  },
)
