import * as Ledger from '../collect/ledger.ts'
import { createMeter } from '../collect/meter.ts'
import type { Access, CallLimit, CloudCredentials, Meter } from '../effects/clouds.ts'
import type { Context } from '../effects/context.ts'
import type * as CloudAccount from './cloud-account.ts'

export const onlyPlanned = (accountId: string) =>
  `The account ${accountId} can only be planned for: no credentials for actions are stored. Create the role for ` +
  'actions and give it with PUT /v1/cloud-accounts/{id}/actions. `dry_run` shows the plan.'

/**
 * The rate cap of all executions on one account: the slowest bucket of the clouds, which EC2 refills with 5 changing
 * calls a second (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html). Azure refills 10
 * (https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling).
 */
export const capOf = ({ provider, accountId }: Pick<CloudAccount.Info, 'provider' | 'accountId'>): CallLimit => ({
  name: `act/${provider}/${accountId}`,
  most: 50,
  windowSeconds: 10,
})

export interface Terms {
  credentials: CloudCredentials
  signal: AbortSignal
  /** In addition to those of the cloud. */
  limits?: readonly CallLimit[]
  /** Before each call waits for the limits of its rate, and after it: right before the call is sent. */
  waits?(): void
  begins?(): Promise<void>
}

/** Counts the calls for the account, also of a call that fails, and keeps them below the limits. */
export async function within<Answer>(
  ctx: Context,
  account: CloudAccount.Info,
  { credentials, signal, limits = [], waits, begins }: Terms,
  call: (access: Access) => Promise<Answer>,
): Promise<Answer> {
  const own = createMeter(ctx, signal)
  const meter: Meter = {
    async take(one) {
      waits?.()
      await own.take({ ...one, limits: [...(one.limits ?? []), ...limits] })
      await begins?.()
    },
  }
  try {
    return await call({ credentials, meter, report: () => undefined, signal, now: ctx.now })
  } finally {
    await Ledger.add(ctx, account.id, ctx.newId('act'), own.calls())
  }
}
