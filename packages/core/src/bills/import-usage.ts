import { isDeepStrictEqual } from 'node:util'
import type { Context } from '../effects/context.ts'
import * as Usage from '../organization/usage.ts'
import { withStatus, type Stored, sumsOf } from './import-files.ts'
import * as Uploads from './import-uploads.ts'
import * as Raw from './raw.ts'

const dayMs = 24 * 3600 * 1000
// A younger entry may belong to a request that has yet to write its import.
const youngMs = 60_000

/** As the owner announced them. */
export function bytesOf(files: readonly { bytes: number }[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** Killed processes leave wrong usage, uploaded parts and raw bills. */
export async function repair(ctx: Context): Promise<void> {
  const before = await Usage.load(ctx)
  const live = await liveImports(ctx)
  await endLost(ctx, before, live)
  await Usage.edit(ctx, (usage) => {
    const active = corrected(ctx, usage.active, before.active, live)
    return isDeepStrictEqual(active, usage.active) ? undefined : { ...usage, active }
  })
  await removeUploads(ctx, live)
  const keptBytes = await keepAccepted(ctx)
  if (keptBytes === before.keptBytes) return
  // A delivery that ended meanwhile has changed the count: the next sweep corrects it.
  await Usage.edit(ctx, (usage) => (usage.keptBytes === before.keptBytes ? { ...usage, keptBytes } : undefined))
}

type Live = ReadonlyMap<string, Stored>

/** The open and running imports with bytes of their own: a rebuild reads those of another. */
async function liveImports(ctx: Context): Promise<Live> {
  const live = new Map<string, Stored>()
  for (const status of ['uploading', 'running'] as const)
    for await (const info of withStatus(ctx, status)) if (info.rebuildOf === undefined) live.set(info.id, info)
  return live
}

async function endLost(ctx: Context, { active }: Usage.Info, live: Live) {
  for (const [id, { since }] of Object.entries(active)) {
    if (live.has(id) || isYoung(ctx, since)) continue
    const info = await ctx.tables.imports.get(ctx.orgId, id)
    if (info?.status !== 'uploading' && info?.status !== 'running')
      await Usage.end(ctx, id, info?.status === 'committed')
  }
}

/** Adds live imports without an entry, and corrects whether one runs. `before` was read before `live`. */
function corrected(ctx: Context, active: Usage.Info['active'], before: Usage.Info['active'], live: Live) {
  const known = Object.entries(active).map(([id, entry]) => {
    const found = live.get(id)
    if (found?.status === 'running') return [id, { ...entry, runsSince: entry.runsSince ?? found.createdAt }] as const
    const isStale = entry.runsSince !== undefined && entry.runsSince === before[id]?.runsSince
    const isKilled = isStale && found?.status === 'uploading' && !isYoung(ctx, entry.runsSince)
    return [id, isKilled ? { ...entry, runsSince: undefined } : entry] as const
  })
  const missing = [...live.values()].filter(
    ({ id, createdAt }) => active[id] === undefined && before[id] === undefined && !isYoung(ctx, createdAt),
  )
  const added = missing.map((record) => {
    const { id, createdAt, status } = record
    const runsSince = status === 'running' ? createdAt : undefined
    return [id, { bytes: sumsOf(record).bytes, since: createdAt, runsSince }] as const
  })
  return Object.fromEntries([...known, ...added])
}

function isYoung(ctx: Context, since: string | undefined) {
  return ctx.now().getTime() - Date.parse(since ?? '') < youngMs
}

async function removeUploads(ctx: Context, live: Live) {
  for (const id of await Uploads.imports(ctx))
    if (live.get(id)?.status !== 'uploading' && (await ctx.tables.imports.get(ctx.orgId, id))?.status !== 'uploading')
      await Uploads.remove(ctx, id)
}

/** Removes raw bills a day after their imports ended unaccepted; returns the bytes of the others. */
async function keepAccepted(ctx: Context) {
  const all = await ctx.runtime.blobs.list(ctx.orgId, 'raw/')
  // Read after the list: an import that started since the sweep began is counted as running.
  const live = await liveImports(ctx)
  const stored = all.filter(({ key }) => !live.has(importOf(key)))
  let kept = 0
  for (const [id, objects] of Map.groupBy(stored, ({ key }) => importOf(key))) {
    const isAccepted = objects.some(({ key }) => Raw.isManifest(key))
    if (!isAccepted && (await isOver(ctx, id))) await Raw.remove(ctx, id)
    else kept += bytesOf(objects.filter(({ key }) => !Raw.isManifest(key)))
  }
  return kept
}

const importOf = (key: string) => key.split('/')[1] ?? ''

async function isOver(ctx: Context, id: string) {
  const info = await ctx.tables.imports.get(ctx.orgId, id)
  return !info || ctx.now().getTime() - Date.parse(info.endedAt ?? '') > dayMs
}
