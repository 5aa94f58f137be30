import * as Acting from '../accounts/acting.ts'
import type { Taggable, TagsByKey } from '../effects/clouds.ts'
import { type Context, expiryIn } from '../effects/context.ts'
import type { ResourceRow } from '../effects/queries.ts'
import { resourceKinds } from '../kernel/resource.ts'
import { type Current, tagsNow } from './bulk-tag-act.ts'
import { type Entry, type Info, keptSeconds } from './bulk-tag-record.ts'
import * as View from './resource-view.ts'
import { planOf } from './tag-plan.ts'

interface Asked {
  resourceIds: string[]
  tags: Record<string, string>
  overwrite: boolean
  dryRun: boolean
}

interface Found {
  entry: Entry
  row: ResourceRow
}

const none = { changes: [], skipped: [], canAct: false, error: null, undo: null }

/** The plan, of the tags that each resource has now, or had last if its account can only be planned for. */
export async function planned(ctx: Context, id: string, asked: Asked, signal: AbortSignal): Promise<Info> {
  const { resourceIds, tags, overwrite } = asked
  const entries = await found(ctx, resourceIds)
  const known = entries.flatMap(({ entry, row }) => (row ? [{ entry, row }] : []))
  const accounts = Map.groupBy(known, ({ row }) => `${row.provider}/${row.accountId}`)
  const plans = [...accounts.values()].map(async (own) => await planOfAccount(ctx, own, asked, signal))
  const byId = new Map((await Promise.all(plans)).flat().map((entry) => [entry.resourceId, entry]))
  const resources = entries.map(({ entry }) => byId.get(entry.resourceId) ?? entry)
  const at = ctx.now().toISOString()
  return { id, at, by: ctx.actor.id, tags, overwrite, resources, expiresAt: expiryIn(ctx, keptSeconds) }
}

/** Each resource once, under the first of its names. */
async function found(ctx: Context, names: readonly string[]): Promise<{ entry: Entry; row?: ResourceRow }[]> {
  const ids = [...new Set(names.map((name) => name.toLowerCase()))]
  const { rows } = await View.resourcesOf(ctx, { kinds: resourceKinds, ids }, { limit: 1000, offset: 0 })
  const seen = new Set<ResourceRow>()
  return [...new Set(names)].flatMap((resourceId): { entry: Entry; row?: ResourceRow }[] => {
    const named = rowsNamed(rows, resourceId.toLowerCase())
    const [row] = named
    if (!row || named.length > 1) {
      const error = row
        ? `${named.length} resources have this name. Give the id of the one that is meant.`
        : 'There is no such resource in the inventory. It may not have been collected yet.'
      return [{ entry: { ...none, resourceId, provider: null, accountId: null, state: 'failed', error } }]
    }
    if (seen.has(row)) return []
    seen.add(row)
    const { provider, accountId } = row
    return [{ entry: { ...none, resourceId, provider, accountId, state: 'planned' }, row }]
  })
}

function rowsNamed(rows: readonly ResourceRow[], name: string): ResourceRow[] {
  const own = rows.filter(({ id }) => id.toLowerCase() === name)
  if (own.length > 0) return own
  return rows.filter(({ aliases }) => View.listOf(aliases).some((alias) => alias.toLowerCase() === name))
}

async function planOfAccount(ctx: Context, own: readonly Found[], asked: Asked, signal: AbortSignal): Promise<Entry[]> {
  const [first] = own
  if (!first) return []
  const { provider, accountId } = first.row
  const where = { provider, accountId, removedAt: undefined }
  const [account] = (await ctx.tables.cloudAccounts.select(ctx.orgId, { where, limit: 1 })).items
  const canAct = account?.sealedToAct !== undefined
  if (!canAct && !asked.dryRun)
    return own.map(({ entry }) => ({ ...entry, state: 'failed', error: Acting.onlyPlanned(accountId) }))
  const targets = own.map(({ row }) => taggable(row))
  const current = account && canAct ? await tagsNow(ctx, account, targets, signal) : lastTags(own)
  return own.map(({ entry, row }): Entry => {
    const now = current(row.id)
    if ('refusal' in now) return { ...entry, canAct, state: 'failed', error: now.refusal }
    const { refusal, ...plan } = planOf({ ...asked, cloud: provider, kind: row.kind, current: now.tags })
    if (refusal !== undefined) return { ...entry, canAct, ...plan, state: 'failed', error: refusal }
    const target = { ...taggable(row), cloudAccountId: account?.id ?? '' }
    return { ...entry, canAct, ...plan, target, state: plan.changes.length > 0 ? 'planned' : 'unchanged' }
  })
}

function taggable({ id, aliases, kind, region }: ResourceRow): Taggable {
  return { id, aliases: View.listOf(aliases), kind, region }
}

function lastTags(own: readonly Found[]): Current {
  const rows = new Map(own.map(({ row }) => [row.id, row.tags]))
  return (id) => {
    const tags = rows.get(id)
    return tags == null ? { refusal: 'Its tags are not known.' } : { tags: JSON.parse(tags) as TagsByKey }
  }
}
