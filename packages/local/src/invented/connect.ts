import type { InventedAccount } from '@cloudoptima/clouds'
import { CloudAccounts, type Context } from '@cloudoptima/core'

/** Connects accounts that are not connected, in their order. */
export async function connect(ctx: Context, accounts: readonly InventedAccount[]): Promise<void> {
  const known = new Set((await ctx.tables.cloudAccounts.all(ctx.orgId)).map(({ accountId }) => accountId))
  for (const account of accounts) {
    if (known.has(account.accountId)) continue
    const { externalId } = await CloudAccounts.setupAws(ctx, {})
    await CloudAccounts.connectAws(ctx, { roleArn: account.roleArn, externalId })
  }
}

/** Nothing collects the invented company any more; its costs stay. */
export async function disconnectAll(ctx: Context): Promise<void> {
  for (const { id } of await ctx.tables.cloudAccounts.all(ctx.orgId)) await CloudAccounts.disconnect(ctx, { id })
}
