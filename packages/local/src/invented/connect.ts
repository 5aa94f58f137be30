import { randomUUID } from 'node:crypto'
import type { InventedAccount } from '@cloudoptima/clouds'
import { CloudAccounts, type Context } from '@cloudoptima/core'

/** Connects accounts that are not connected, in their order until the signal, and completes a killed connection. */
export async function connect(ctx: Context, accounts: readonly InventedAccount[], signal?: AbortSignal): Promise<void> {
  const known = await knownIn(ctx)
  for (const account of accounts) {
    if (signal?.aborted) return
    const found = known.get(account.accountId)
    if (found?.status === 'active' || found?.removedAt !== undefined) continue
    const { status } = found ? await CloudAccounts.verify(ctx, { id: found.id }) : await connectOne(ctx, account)
    if (status !== 'active') throw new Error(`The account ${account.accountId} of the sample is ${status}.`)
  }
}

/** Gives the connected accounts the role for actions, in their order until the signal. Idempotent. */
export async function allowActions(
  ctx: Context,
  accounts: readonly InventedAccount[],
  signal?: AbortSignal,
): Promise<void> {
  const known = await knownIn(ctx)
  for (const account of accounts) {
    if (signal?.aborted) return
    const found = known.get(account.accountId)
    if (found === undefined || found.canAct === true || found.removedAt !== undefined) continue
    await CloudAccounts.allowActions(ctx, { id: found.id, ...roleToAct(account) })
  }
}

const knownIn = async ({ tables, orgId }: Context) =>
  new Map((await tables.cloudAccounts.all(orgId)).map((account) => [account.accountId, account]))

function roleToAct(account: InventedAccount) {
  switch (account.cloud) {
    case 'aws':
      return { roleArn: account.toAct.roleArn }
    case 'azure':
      return { clientId: account.toAct.clientId, clientSecret: account.toAct.clientSecret }
    case 'gcp':
      return { serviceAccountJson: keyFileOf(account.toAct) }
  }
}

const keyFileOf = ({ serviceAccount }: { serviceAccount: object }) =>
  Buffer.from(JSON.stringify(serviceAccount)).toString('base64')

async function connectOne(ctx: Context, account: InventedAccount) {
  switch (account.cloud) {
    case 'aws': {
      // As the setup issues it, which asks AWS for the account of the installation.
      const externalId = randomUUID()
      await ctx.tables.externalIds.put(ctx.orgId, { id: externalId, createdAt: ctx.now().toISOString() })
      return await CloudAccounts.connectAws(ctx, { roleArn: account.roleArn, externalId })
    }
    case 'azure': {
      const { subscriptionId, tenantId, clientId, clientSecret } = account
      return await CloudAccounts.connectAzure(ctx, { subscriptionId, tenantId, clientId, clientSecret })
    }
    case 'gcp': {
      const { projectId } = account
      return await CloudAccounts.connectGcp(ctx, { projectId, serviceAccountJson: keyFileOf(account) })
    }
  }
}

/** Nothing collects the invented company any more; its costs stay. Idempotent. */
export async function disconnectAll(ctx: Context): Promise<void> {
  for (const { id } of await ctx.tables.cloudAccounts.all(ctx.orgId)) await CloudAccounts.disconnect(ctx, { id })
}
