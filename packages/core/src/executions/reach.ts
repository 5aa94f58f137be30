import * as Acting from '../accounts/acting.ts'
import * as CloudAccount from '../accounts/cloud-account.ts'
import { actions } from '../actions/actions.ts'
import type { CloudAction } from '../effects/acting.ts'
import type { Access, CloudCredentials, TagsByKey } from '../effects/clouds.ts'
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

/** What it throws ends the step. */
type Begins = () => Promise<void>

type Asked = Pick<Execution, 'action' | 'dryRun'>

/** What it takes to ask about a target. */
interface Place {
  account: CloudAccount.Info
  /** Those to act; for a dry run, those that read do. */
  credentials: CloudCredentials
}

async function placeOf(
  ctx: Context,
  { action: name, dryRun }: Asked,
  { provider, accountId, cloudAccountId, target }: Target,
): Promise<Place | Unreachable> {
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
  return { account, credentials: toAct ?? (await CloudAccount.credentialsOf(ctx, account)) }
}

/** The answer of the cloud, or why it refuses for good. */
async function asked<Answer extends object>(
  ctx: Context,
  account: CloudAccount.Info,
  { credentials, begins = async () => undefined }: { credentials: CloudCredentials; begins?: Begins | undefined },
  call: (access: Access) => Promise<Answer>,
): Promise<Answer | Unreachable> {
  const clock = clockOf(`The account ${account.accountId}`)
  try {
    return await Acting.within(
      ctx,
      account,
      { credentials, limits: [Acting.capOf(account)], ...clock.of(begins) },
      call,
    )
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
        // Calls side by side have the time of the last one.
        clearTimeout(call)
        call = after(callMs)
      },
    }),
    end() {
      clearTimeout(step)
      clearTimeout(call)
    },
  }
}

/**
 * Calls the action of a target in its account. For a dry run the credentials that read do. `begins` is called right
 * before each call to the cloud, and an error of it ends the step. Throws Fault `unavailable` or `rate_limited` to be
 * called again.
 */
export async function reach<Answer extends object>(
  ctx: Context,
  execution: Asked,
  target: Target,
  call: (action: CloudAction) => Promise<Answer>,
  begins?: Begins,
): Promise<Answer | Unreachable> {
  const { provider } = target
  const place = await placeOf(ctx, execution, target)
  if ('unreachable' in place) return place
  const { account, credentials } = place
  return await asked<Answer | Unreachable>(ctx, account, { credentials, begins }, async (access) => {
    const action = await ctx.runtime.clouds[provider].action(access, execution.action)
    const { title } = actions[execution.action]
    return action ? await call(action) : { unreachable: `"${title}" is not offered on ${provider}.` }
  })
}

/** The tags that the resource has in its cloud, by any credentials that may read them. Throws as `reach`. */
export async function tagsNow(
  ctx: Context,
  execution: Asked,
  info: Target,
): Promise<{ tags: TagsByKey } | Unreachable> {
  const { provider, target } = info
  const place = await placeOf(ctx, execution, info)
  if ('unreachable' in place) return place
  const { account } = place
  const cloud = ctx.runtime.clouds[provider]
  const by = async (credentials: CloudCredentials) =>
    await asked<{ tags: TagsByKey } | Unreachable>(ctx, account, { credentials }, async (access) => {
      const own = await (await cloud.action(access, execution.action))?.tags?.(target)
      if (own) return { tags: own }
      const [answer] = await cloud.tags(access, [target])
      if (answer && 'tags' in answer) return { tags: answer.tags }
      return { unreachable: answer?.refusal ?? 'The cloud does not know the resource.' }
    })
  const found = await by(place.credentials)
  if ('tags' in found) return found
  const other = await by(await CloudAccount.credentialsOf(ctx, account))
  return 'tags' in other ? other : found
}
