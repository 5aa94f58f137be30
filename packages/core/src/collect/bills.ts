import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as Import from '../bills/import.ts'
import type { BillDelivery } from '../effects/clouds.ts'
import type { Context } from '../effects/context.ts'
import { isFault } from '../kernel/fault.ts'
import { addMonths, monthOf } from '../kernel/calendar.ts'
import type { Found, Given } from './collection.ts'
import * as Source from './source.ts'

// An import that failed by an error of the product is tried again at later looks.
const mostAttempts = 3

/** Imports each delivery that is new or was restated: from an export, or for the first time from the query API. */
export async function collectBills(ctx: Context, given: Given): Promise<Found> {
  const { source, access } = given
  const deliveries = { ...source.deliveries }
  const imports: string[] = []
  const provider = ctx.runtime.clouds[source.provider]
  const isPreliminary = source.kind === 'costs'
  if (isPreliminary && (await hasBill(ctx, source))) return { isNew: false, rows: 0, imports, isLast: true }
  for await (const delivery of isPreliminary ? provider.preliminary(access) : provider.bills(access)) {
    const known = deliveries[delivery.id]
    const next = await nextImport(ctx, given, delivery, known)
    if (!next) continue
    // Before the import: a killed collection is repeated with the same import.
    deliveries[delivery.id] = next
    await ctx.tables.sources.update(ctx.orgId, source.id, (current) =>
      current.syncId === source.syncId ? { ...current, deliveries } : undefined,
    )
    if (await importDelivery(ctx, given, delivery, next.importId)) imports.push(next.importId)
  }
  const oldest = addMonths(monthOf(ctx.now().toISOString()), -36)
  for (const id of Object.keys(deliveries)) if ((/\d{4}-\d\d$/.exec(id)?.[0] ?? oldest) < oldest) delete deliveries[id]
  return { isNew: imports.length > 0, rows: 0, imports, deliveries }
}

/** The import of a delivery that has to be fetched. */
async function nextImport(
  ctx: Context,
  { problems }: Given,
  { id, version }: BillDelivery,
  known: Source.Delivery | undefined,
): Promise<Source.Delivery | undefined> {
  const fresh = (attempts: number): Source.Delivery => ({ version, importId: ctx.newId('imp'), attempts })
  if (known?.version !== version) return fresh(1)
  const imported = await ctx.tables.imports.get(ctx.orgId, known.importId)
  switch (imported?.status) {
    // The collection was killed before the import began.
    case undefined:
    case 'uploading':
      return known
    case 'running':
    case 'committed':
    case 'unchanged':
    case 'canceled':
      return undefined
    case 'refused':
      problems.push({ state: 'bill_refused', part: id, message: imported.reason ?? '' })
      return undefined
    case 'failed':
      if (known.attempts < mostAttempts) return fresh(known.attempts + 1)
      problems.push({ state: 'import_failed', part: id, message: imported.reason ?? '' })
      return undefined
  }
}

/** Whether an import was begun. False if the cloud restated the bill meanwhile: the next look finds it again. */
async function importDelivery(ctx: Context, { source, problems }: Given, delivery: BillDelivery, importId: string) {
  return await ctx.runtime.workspace.within(async (folder) => {
    const raw = join(folder, 'fetched')
    await mkdir(raw)
    let files
    try {
      files = await delivery.fetch(raw)
    } catch (error) {
      if (!isFault(error, 'conflict')) throw error
      problems.push({ state: 'bill_incomplete', part: delivery.id, message: error.message })
      return false
    }
    const sized = await Promise.all(files.map(async ({ name, path }) => ({ name, bytes: (await stat(path)).size })))
    const origin: Import.Origin = {
      source: `${source.provider}/${source.accountId}/${delivery.id}`,
      ...(delivery.preliminary && { preliminary: delivery.preliminary }),
    }
    await Import.create(ctx, { files: sized }, importId, { origin })
    for (const [index, { path }] of files.entries()) {
      await Import.storeFile(ctx, importId, index, path)
      await rm(path)
    }
    await Import.start(ctx, importId)
    return true
  })
}

/** Whether a bill of the account has landed: then its preliminary costs have ended. */
async function hasBill(ctx: Context, { cloudAccountId }: Source.Info): Promise<boolean> {
  const bills = await ctx.tables.sources.get(ctx.orgId, Source.idOf(cloudAccountId, 'bills'))
  for (const { importId } of Object.values(bills?.deliveries ?? {}))
    if ((await ctx.tables.imports.get(ctx.orgId, importId))?.status === 'committed') return true
  return false
}
