import * as Acting from '../accounts/acting.ts'
import * as CloudAccount from '../accounts/cloud-account.ts'
import * as Source from '../collect/source.ts'
import type { Access, Taggable, TagChange, TagsByKey } from '../effects/clouds.ts'
import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { Entry, Info } from './bulk-tag-record.ts'
import { isProtected } from './tag-limits.ts'
import { protectedBy, undoOf } from './tag-plan.ts'

/** The tags that a resource has now, by its id. */
export type Current = (id: string) => { tags: TagsByKey } | { refusal: string }

interface Refused {
  refusal: string
  /** It may have been changed. */
  isUnknown: boolean
}

type Targeted = Entry & Required<Pick<Entry, 'target'>>

const noAnswer = 'The cloud did not answer for this resource.'
const tooLong = 'The cloud took too long to answer. Ask again with fewer resources.'

/** Calls a cloud with the credentials for actions; without an answer, the refusal of all. */
async function withAccess<Answer>(
  ctx: Context,
  account: CloudAccount.Info,
  signal: AbortSignal,
  call: (access: Access) => Promise<Answer>,
): Promise<{ answer: Answer } | Refused> {
  const credentials = await CloudAccount.credentialsToAct(ctx, account)
  if (!credentials) return { refusal: Acting.onlyPlanned(account.accountId), isUnknown: false }
  if (signal.aborted) return { refusal: tooLong, isUnknown: false }
  try {
    return { answer: await Acting.within(ctx, account, { credentials, signal }, call) }
  } catch (error) {
    if (error instanceof Fault) return { refusal: error.message, isUnknown: true }
    if (signal.aborted) return { refusal: tooLong, isUnknown: true }
    throw error
  }
}

export async function tagsNow(
  ctx: Context,
  account: CloudAccount.Info,
  targets: readonly Taggable[],
  signal: AbortSignal,
): Promise<Current> {
  const cloud = ctx.runtime.clouds[account.provider]
  const read = await withAccess(ctx, account, signal, async (access) => await cloud.tags(access, targets))
  if ('refusal' in read) return () => read
  const byId = new Map(read.answer.map((answer) => [answer.id, answer]))
  return (id) => byId.get(id) ?? { refusal: noAnswer }
}

/** Changes what is planned; the record tells of each account when it is done. */
export async function carriedOut(ctx: Context, record: Info, signal: AbortSignal): Promise<Info> {
  const waiting = targeted(record.resources.filter(({ state }) => state === 'planned'))
  const accounts = Map.groupBy(waiting, ({ target }) => target.cloudAccountId)
  await Promise.all(
    [...accounts].map(async ([cloudAccountId, entries]) => {
      const refused = await retagged(ctx, cloudAccountId, entries.map(changeOf), signal)
      const done = entries.map((entry): Entry => {
        const { refusal, isUnknown } = refused(entry.target.id) ?? {}
        if (refusal === undefined) return { ...entry, state: 'updated' }
        return { ...entry, state: isUnknown ? 'unknown' : 'failed', error: refusal }
      })
      await save(ctx, record.id, done)
    }),
  )
  await collectAgain(ctx, accounts.keys())
  return (await ctx.tables.bulkTags.get(ctx.orgId, record.id)) ?? record
}

function targeted(entries: readonly Entry[]): Targeted[] {
  return entries.flatMap((entry) => (entry.target ? [{ ...entry, target: entry.target }] : []))
}

function changeOf({ target, changes }: Targeted): TagChange {
  return {
    resource: target,
    before: Object.fromEntries(changes.flatMap(({ key, before }) => (before === null ? [] : [[key, before]]))),
    set: Object.fromEntries(changes.map(({ key, after }) => [key, after])),
    remove: {},
  }
}

/** Why a resource was not changed, by its id. */
async function retagged(
  ctx: Context,
  cloudAccountId: string,
  changes: readonly TagChange[],
  signal: AbortSignal,
): Promise<(id: string) => Refused | undefined> {
  if (changes.length === 0) return () => undefined
  const account = await ctx.tables.cloudAccounts.get(ctx.orgId, cloudAccountId)
  if (!account || account.removedAt !== undefined)
    return () => ({ refusal: 'The account is not connected any more.', isUnknown: false })
  const cloud = ctx.runtime.clouds[account.provider]
  const done = await withAccess(ctx, account, signal, async (access) => await cloud.retag(access, changes))
  if ('refusal' in done) return () => done
  const byId = new Map(done.answer.map((answer) => [answer.id, answer]))
  return (id) => {
    const { refusal, isPartly = false } = byId.get(id) ?? { refusal: noAnswer, isPartly: true }
    return refusal === undefined ? undefined : { refusal, isUnknown: isPartly }
  }
}

async function save(ctx: Context, id: string, done: readonly Entry[]): Promise<void> {
  const byId = new Map(done.map((entry) => [entry.resourceId, entry]))
  await ctx.tables.bulkTags.update(ctx.orgId, id, (info) => ({
    ...info,
    resources: info.resources.map((entry) => byId.get(entry.resourceId) ?? entry),
  }))
}

/** The inventory shows tags as they were collected last. */
async function collectAgain(ctx: Context, cloudAccountIds: Iterable<string>): Promise<void> {
  for (const id of cloudAccountIds) {
    const sourceId = Source.idOf(id, 'inventory')
    if (await ctx.tables.sources.get(ctx.orgId, sourceId)) await Source.request(ctx, sourceId, Source.isFree)
  }
}

/** Resources that were changed, or may have been, back as they were; a killed request leaves those `planned`. */
export async function undone(ctx: Context, record: Info, signal: AbortSignal): Promise<Info> {
  const changed = targeted(
    record.resources.filter(
      ({ state, undo }) => state !== 'unchanged' && state !== 'failed' && undo?.state !== 'restored',
    ),
  )
  const accounts = Map.groupBy(changed, ({ target }) => target.cloudAccountId)
  await Promise.all(
    [...accounts].map(async ([cloudAccountId, entries]) => {
      await save(ctx, record.id, await undoneIn(ctx, cloudAccountId, entries, signal))
    }),
  )
  await collectAgain(ctx, accounts.keys())
  return (await ctx.tables.bulkTags.get(ctx.orgId, record.id)) ?? record
}

async function undoneIn(
  ctx: Context,
  cloudAccountId: string,
  entries: readonly Targeted[],
  signal: AbortSignal,
): Promise<Entry[]> {
  const failed = (entry: Entry, error: string): Entry => ({ ...entry, undo: { state: 'failed', kept: [], error } })
  const account = await ctx.tables.cloudAccounts.get(ctx.orgId, cloudAccountId)
  if (!account || account.removedAt !== undefined)
    return entries.map((entry) => failed(entry, 'The account is not connected any more.'))
  const targets = entries.map(({ target }) => target)
  const current = await tagsNow(ctx, account, targets, signal)
  const plans = entries.map((entry) => {
    const now = current(entry.target.id)
    if ('refusal' in now) return { entry, error: now.refusal }
    if (isProtected(account.provider, now.tags)) return { entry, error: protectedBy }
    return { entry, before: now.tags, plan: undoOf(account.provider, now.tags, entry.changes) }
  })
  const changes = plans.flatMap(({ entry: { target: resource }, before, plan }): TagChange[] => {
    if (!before || !plan || Object.keys({ ...plan.set, ...plan.remove }).length === 0) return []
    return [{ resource, before, set: plan.set, remove: plan.remove }]
  })
  const isChanged = new Set(changes.map(({ resource }) => resource.id))
  const refused = await retagged(ctx, cloudAccountId, changes, signal)
  return plans.map(({ entry, error, plan }) => {
    const { id } = entry.target
    const refusal = error ?? (isChanged.has(id) ? refused(id)?.refusal : undefined)
    if (refusal !== undefined || !plan) return failed(entry, refusal ?? '')
    const { kept } = plan
    return { ...entry, undo: { state: kept.length > 0 ? 'partial' : 'restored', kept, error: null } }
  })
}
