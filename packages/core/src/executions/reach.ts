import * as Acting from '../accounts/acting.ts'
import * as CloudAccount from '../accounts/cloud-account.ts'
import { actions } from '../actions/actions.ts'
import type { CloudAction } from '../effects/acting.ts'
import type { Context } from '../effects/context.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import type { Info as Execution } from './execution.ts'
import type { Info as Target } from './target.ts'

/** Of all calls of a step, with their waits for the limits of rates. */
export const stepMs = 45_000
/** Of one call. A change that Azure makes at once takes the longest of all, some seconds. */
const callMs = 15_000

/** Why the cloud cannot be asked, or refused for good. */
export interface Unreachable {
  unreachable: string
}

/**
 * Calls the action of a target in its account. For a dry run the credentials that read do. `begins` is called right before
 * each call to the cloud, and what it throws ends the step. Throws Fault `unavailable` or `rate_limited` to be called again.
 */
export async function reach<Answer extends object>(
  ctx: Context,
  { action: name, dryRun }: Pick<Execution, 'action' | 'dryRun'>,
  { provider, accountId, cloudAccountId, target }: Target,
  call: (action: CloudAction) => Promise<Answer>,
  begins: () => Promise<void> = async () => undefined,
): Promise<Answer | Unreachable> {
  const { clouds, kinds, title } = actions[name]
  if (!clouds.includes(provider)) return { unreachable: `"${title}" is not offered on ${provider}.` }
  if (!kinds.includes(target.kind))
    return { unreachable: `"${title}" does not fit a resource of the kind ${target.kind}.` }
  const account =
    cloudAccountId === undefined ? undefined : await ctx.tables.cloudAccounts.get(ctx.orgId, cloudAccountId)
  if (!account || account.removedAt !== undefined)
    return { unreachable: `The account ${accountId} is not connected. Connect it, or leave the resource out.` }
  const toAct = await CloudAccount.credentialsToAct(ctx, account)
  if (!toAct && !dryRun) return { unreachable: Acting.onlyPlanned(accountId) }
  const credentials = toAct ?? (await CloudAccount.credentialsOf(ctx, account))
  const clock = clockOf(`The account ${accountId}`)
  try {
    return await Acting.within(ctx, account, { credentials, ...clock.of(begins) }, async (access) => {
      const action = await ctx.runtime.clouds[provider].action(access, name)
      return action ? await call(action) : { unreachable: `"${title}" is not offered on ${provider}.` }
    })
  } catch (error) {
    for (const code of ['forbidden', 'not_found', 'invalid', 'conflict'] as const)
      if (isFault(error, code)) return { unreachable: error.message }
    throw error
  } finally {
    clock.end()
  }
}

/** Ends the calls with Fault `unavailable` when the time of one, or of the step, is over. */
function clockOf(named: string) {
  const controller = new AbortController()
  const after = (ms: number) => {
    const late = new Fault('unavailable', `${named} does not answer within ${ms / 1000} s.`)
    return setTimeout(() => controller.abort(late), ms)
  }
  const step = after(stepMs)
  let call: ReturnType<typeof setTimeout> | undefined
  return {
    of: (begins: () => Promise<void>) => ({
      signal: controller.signal,
      waits: () => clearTimeout(call),
      begins: async () => {
        await begins()
        call = after(callMs)
      },
    }),
    end() {
      clearTimeout(step)
      clearTimeout(call)
    },
  }
}
