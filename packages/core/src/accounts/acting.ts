import * as Ledger from '../collect/ledger.ts'
import { createMeter } from '../collect/meter.ts'
import type { Access, CloudCredentials } from '../effects/clouds.ts'
import type { Context } from '../effects/context.ts'
import type * as CloudAccount from './cloud-account.ts'

export const onlyPlanned = (accountId: string) =>
  `The account ${accountId} can only be planned for: no credentials for actions are stored. Create the role for ` +
  'actions and give it with PUT /v1/cloud-accounts/{id}/actions. `dry_run` shows the plan.'

/** Counts the calls for the account, also of a call that fails. */
export async function within<Answer>(
  ctx: Context,
  account: CloudAccount.Info,
  { credentials, signal }: { credentials: CloudCredentials; signal: AbortSignal },
  call: (access: Access) => Promise<Answer>,
): Promise<Answer> {
  const meter = createMeter(ctx, signal)
  try {
    return await call({ credentials, meter, report: () => undefined, signal, now: ctx.now })
  } finally {
    await Ledger.add(ctx, account.id, ctx.newId('act'), meter.calls())
  }
}
