import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as Import from '../bills/import.ts'
import type { BillDelivery } from '../effects/clouds.ts'
import { inTurn } from '../effects/concurrency.ts'
import type { Context } from '../effects/context.ts'
import { addMonths, dayOf, monthOf } from '../kernel/calendar.ts'
import { isOfCloud } from '../kernel/cloud.ts'
import { Fault } from '../kernel/fault.ts'
import * as Id from '../kernel/id.ts'
import * as Snapshot from '../lake/snapshot.ts'
import type { Found, Given } from './collection.ts'
import type * as Source from './source.ts'

// An import that failed by an error of the product is tried again at later looks.
const mostAttempts = 3
const hourMs = 3600 * 1000
/** The time since the first attempt before the next one, by the number of attempts: an outage ends meanwhile. */
const pausesMs = [0, 0, hourMs, 24 * hourMs]

/** Imports each delivery of an export that is new or was restated. */
export async function collectBills(ctx: Context, given: Given): Promise<Found> {
  return await importAll(ctx, given, ctx.runtime.clouds[given.source.provider].bills(given.access))
}

// From this day on, the costs of the last month are final enough if no bill has them.
const finalDay = 6

/** Imports the costs of the query API for the months that no bill has; ends when bills have taken over. */
export async function collectCosts(ctx: Context, given: Given): Promise<Found> {
  const { source, access } = given
  const today = dayOf(ctx.now())
  const [month, last] = [monthOf(today), addMonths(monthOf(today), -1)]
  const billed = await billedMonths(ctx, source)
  if (billed.has(month) && billed.has(last)) return { isNew: false, rows: 0, imports: [], isLast: true }
  let payerId: string | undefined
  const wanted = async function* () {
    for await (const delivery of ctx.runtime.clouds[source.provider].preliminary(access)) {
      payerId = delivery.preliminary?.payerId
      if (!billed.has(delivery.period)) yield delivery
    }
  }
  const found = await importAll(ctx, given, wanted())
  const isLast = billed.has(month) && Number(today.slice(8)) >= finalDay
  return { ...found, payerId, ...(isLast && { isLast }) }
}

/** The months of which the lake has a bill of the account or of its payer. */
async function billedMonths(ctx: Context, { provider, accountId, payerId }: Source.Info): Promise<Set<string>> {
  const { snapshots } = await Snapshot.view(ctx)
  const own = snapshots.filter(
    (bill) =>
      isOfCloud(bill.provider, provider) &&
      !bill.origin?.preliminary &&
      ([accountId, payerId].includes(bill.billingAccountId) ||
        bill.origin?.source.startsWith(`${provider}/${accountId}/`)),
  )
  return new Set(own.map(({ period }) => period))
}

async function importAll(ctx: Context, given: Given, offered: AsyncIterable<BillDelivery>): Promise<Found> {
  const { source, access, problems } = given
  const deliveries = { ...source.deliveries }
  const imports: string[] = []
  for await (const delivery of offered) {
    const next = await nextImport(ctx, given, delivery, deliveries)
    if (!next) continue
    const before = deliveries[delivery.id]?.importId
    deliveries[delivery.id] = next
    // Before the import: a killed collection is repeated with the same import.
    await save(ctx, source, deliveries)
    // Only now, because a canceled import is never repeated.
    if (before !== undefined && before !== next.importId) await cancelUpload(ctx, before)
    try {
      await importDelivery(ctx, given, delivery, next.importId)
      imports.push(next.importId)
    } catch (error) {
      if (!(error instanceof Fault) || access.signal.aborted || error.code === 'forbidden') throw error
      const problem = { ...stateOf(error), part: delivery.id, message: error.message }
      problems.push(problem)
      // Only another version, or a request, changes the reason.
      if (problem.state === 'bill_refused') deliveries[delivery.id] = { ...next, problem }
    }
  }
  const oldest = addMonths(monthOf(dayOf(ctx.now())), -36)
  for (const [id, { period }] of Object.entries(deliveries)) if (period < oldest) delete deliveries[id]
  return { isNew: imports.length > 0, rows: 0, imports, deliveries }
}

function stateOf({ code }: Fault): Pick<Source.Problem, 'state'> {
  if (code === 'conflict') return { state: 'bill_incomplete' }
  if (code === 'rate_limited') return { state: 'throttled' }
  return { state: code === 'unavailable' ? 'unavailable' : 'bill_refused' }
}

/** Ends an import that never began; its delivery has another one now. */
async function cancelUpload(ctx: Context, importId: string): Promise<void> {
  const known = await ctx.tables.imports.get(ctx.orgId, importId)
  if (known?.status === 'uploading') await Import.cancel(ctx, importId)
}

/** Throws Fault `conflict` if another collection took over. */
async function save(ctx: Context, source: Source.Info, deliveries: Record<string, Source.Delivery>): Promise<void> {
  await ctx.tables.sources.update(ctx.orgId, source.id, (current) => {
    if (current.syncId !== source.syncId) throw new Fault('conflict', 'Another collection took over.')
    return { ...current, deliveries }
  })
}

/** The import of a delivery that has to be fetched. */
async function nextImport(
  ctx: Context,
  { problems }: Given,
  { id, period, version }: BillDelivery,
  deliveries: Record<string, Source.Delivery>,
): Promise<Source.Delivery | undefined> {
  const known = deliveries[id]
  const fresh = (attempts: number): Source.Delivery => ({ period, version, importId: ctx.newId('imp'), attempts })
  if (!known) return fresh(1)
  const imported = await ctx.tables.imports.get(ctx.orgId, known.importId)
  // An older version that still runs would replace a newer one.
  if (imported?.status === 'running') return undefined
  if (known.version !== version) return fresh(1)
  if (known.problem) {
    problems.push(known.problem)
    return undefined
  }
  const isOver = known.attempts >= mostAttempts
  const give = (state: 'bill_refused' | 'import_failed') => {
    const problem: Source.Problem = { state, part: id, message: imported?.reason ?? 'The bill could not be fetched.' }
    deliveries[id] = { ...known, problem }
    problems.push(problem)
    return undefined
  }
  switch (imported?.status) {
    // The collection was killed, or failed, before the import began.
    case undefined:
    case 'uploading': {
      // For ever would lose a month that the cloud never restates.
      if (ctx.now().getTime() - Id.timeOf(known.importId) >= (pausesMs[known.attempts] ?? 0))
        return isOver ? fresh(1) : { ...known, attempts: known.attempts + 1 }
      const message = 'The bill could not be fetched. It is tried again after an hour, and then daily.'
      problems.push({ state: 'import_failed', part: id, message })
      return undefined
    }
    case 'committed':
    case 'unchanged':
    case 'canceled':
      return undefined
    case 'refused':
      return give('bill_refused')
    case 'failed':
      return isOver ? give('import_failed') : fresh(known.attempts + 1)
  }
}

// One at a time in a process: the disk of a function has room for one large month.
async function importDelivery(ctx: Context, given: Given, delivery: BillDelivery, importId: string): Promise<void> {
  await inTurn(ctx.runtime, 'fetch', async () => await fetchAndStart(ctx, given, delivery, importId))
}

/** Throws Fault `conflict` if the cloud restated the bill meanwhile: the next look finds it again. */
async function fetchAndStart(ctx: Context, { source, access }: Given, delivery: BillDelivery, importId: string) {
  const { id, preliminary } = delivery
  await ctx.runtime.workspace.within(async (folder) => {
    const raw = join(folder, 'fetched')
    await mkdir(raw)
    const files = await delivery.fetch(raw)
    const scope = await delivery.scope?.()
    const sized = await Promise.all(files.map(async ({ name, path }) => ({ name, bytes: (await stat(path)).size })))
    const origin: Import.Origin = {
      source: `${source.provider}/${source.accountId}/${id}`,
      ...(scope !== undefined && { scope }),
      ...(preliminary && { preliminary }),
    }
    await Import.create(ctx, { files: sized }, importId, { origin })
    for (const [index, { path }] of files.entries()) {
      await Import.storeFile(ctx, importId, index, path, { signal: access.signal })
      await rm(path)
    }
    // A disconnected account is collected no more.
    if ((await ctx.tables.sources.get(ctx.orgId, source.id))?.syncId !== source.syncId)
      throw new Fault('conflict', 'The account was disconnected, or another collection took over.')
    await Import.start(ctx, importId)
  })
}
