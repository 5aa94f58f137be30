import type { Context } from '../effects/context.ts'
import { addDays, dayOf } from '../kernel/calendar.ts'
import type { Cloud } from '../kernel/cloud.ts'
import { Fault } from '../kernel/fault.ts'
import * as PriceList from '../rules/pricing/list-prices.ts'
import type { Given } from './collection.ts'

const keptDays = 7
// A list of EC2 is hundreds of megabytes, and the next look comes within the hour. Google has one catalog for all.
const mostAtOnce: Record<Cloud, number> = { aws: 2, azure: 5, gcp: 100 }

/**
 * Fetches the lists of regions with resources that are older than a week. After a failure a region is tried once a day. A
 * cloud that does not answer leaves the last list in place.
 */
export async function refreshPrices(
  ctx: Context,
  { source: { provider }, access }: Given,
  regions: readonly string[],
): Promise<void> {
  const day = dayOf(ctx.now())
  const fetched = await PriceList.fetchedDays(ctx, provider)
  const due: string[] = []
  for (const region of regions.filter((name) => name !== 'global')) {
    if (due.length === mostAtOnce[provider]) break
    const last = fetched.get(region)
    if ((last === undefined || last <= addDays(day, -keptDays)) && (await claim(ctx, `${provider}/${region}`, day)))
      due.push(region)
  }
  if (due.length === 0) return
  const left = new Set(due)
  try {
    for await (const { region, prices } of ctx.runtime.clouds[provider].prices(access, { regions: due })) {
      await PriceList.keep(ctx, { cloud: provider, region }, day, prices)
      left.delete(region)
    }
    for (const region of left) await PriceList.keep(ctx, { cloud: provider, region }, day, [])
  } catch (error) {
    if (!(error instanceof Fault || access.signal.aborted)) throw error
    ctx.log.warn('price lists were not fetched', { provider, regions: due, reason: String(error) })
  }
}

/** Whether this is the first try of the day. */
async function claim(ctx: Context, name: string, day: string): Promise<boolean> {
  const expiresAt = new Date(Date.parse(addDays(day, 2)))
  return (await ctx.runtime.counters.add(ctx.orgId, `prices/${name}/${day}`, 1, expiresAt)) === 1
}
