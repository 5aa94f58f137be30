import * as z from 'zod'
import { addDays, addMonths, Day, type Month, monthOf, type Span } from '../kernel/calendar.ts'
import { command } from '../guard/command.ts'
import { type Context, noOrganization } from '../effects/context.ts'
import type { Publication } from '../effects/exchange-rates.ts'
import { Fault } from '../kernel/fault.ts'
import { exactly, parse, withExact } from '../kernel/money.ts'
import { base, publicationOf } from './factor.ts'

interface PublishedMonth {
  /** YYYY-MM */
  id: Month
  days: Record<Day, Publication['rates']>
}

interface Fetch {
  id: 'last'
  lastDay: Day
  at: string
}

declare module '../effects/tables.ts' {
  interface Tables {
    /** Of all organizations; a published day never changes. */
    exchangeRates: Table<PublishedMonth>
    exchangeRateFetches: Table<Fetch>
  }
}

export const source = 'European Central Bank, euro foreign exchange reference rates'
const hourMs = 3_600_000
/** Restarts of one machine within this time fetch nothing. */
const freshMs = 6 * hourMs
const oldMs = 4 * 24 * hourMs
/** A day without publication has the rates of the last one, if it is not older. */
export const lookBackDays = 7

let bundled: Promise<{ lastDay: Day; publications: Publication[] }> | undefined

/** A chunk of its own, because few functions need it. */
async function readBundled() {
  const { default: file } = await import('./reference-rates.json', { with: { type: 'json' } })
  const currencies = file.currencies.split(' ')
  const publications = Object.entries(file.days).map(([day, line]): Publication => {
    const rates = line.split(' ')
    return { day, rates: Object.fromEntries(currencies.map((currency, at) => [currency, rates[at] ?? ''])) }
  })
  return { lastDay: file.lastDay, publications }
}

/** The last day with a publication, and the time of the last successful fetch. */
export async function held({ tables }: Context): Promise<{ lastDay: Day; fetchedAt: string | null }> {
  const [{ lastDay }, last] = await Promise.all([
    (bundled ??= readBundled()),
    tables.exchangeRateFetches.get(noOrganization, 'last'),
  ])
  return { lastDay: last && last.lastDay > lastDay ? last.lastDay : lastDay, fetchedAt: last?.at ?? null }
}

/** Those of a span and of the week before it, up to the last day. */
export async function publications({ tables }: Context, { start, end }: Span, lastDay: Day): Promise<Publication[]> {
  const own = await (bundled ??= readBundled())
  const [from, to] = [addDays(start, -lookBackDays), end < lastDay ? end : lastDay]
  const months: Month[] = []
  const fetchedFrom = from > own.lastDay ? from : own.lastDay
  for (let month = monthOf(fetchedFrom); month <= monthOf(to); month = addMonths(month, 1)) months.push(month)
  const fetched = await Promise.all(months.map((month) => tables.exchangeRates.get(noOrganization, month)))
  const days = fetched.flatMap((month) => Object.entries(month?.days ?? {}).map(([day, rates]) => ({ day, rates })))
  return [...days, ...own.publications].filter(({ day }) => day >= from && day <= to)
}

/** Daily: a failed fetch changes nothing and is logged; after four days without a success it throws. */
export async function refresh(ctx: Context): Promise<void> {
  const { exchangeRates } = ctx.runtime
  if (!exchangeRates) return
  const { lastDay, fetchedAt } = await held(ctx)
  const ageMs = fetchedAt === null ? undefined : ctx.now().getTime() - Date.parse(fetchedAt)
  if (ageMs !== undefined && ageMs < freshMs) return
  try {
    await store(ctx, await exchangeRates.after(lastDay), lastDay)
  } catch (error) {
    if (!(error instanceof Fault) || (ageMs !== undefined && ageMs > oldMs)) throw error
    ctx.log.warn('exchange rates were not fetched', { reason: error.message })
  }
}

async function store({ tables, now }: Context, fetched: readonly Publication[], lastDay: Day) {
  for (const [month, published] of Map.groupBy(fetched, ({ day }) => monthOf(day))) {
    const days = Object.fromEntries(published.map(({ day, rates }) => [day, rates]))
    await tables.exchangeRates.upsert(noOrganization, month, (found) => ({
      id: month,
      days: { ...days, ...found?.days },
    }))
  }
  // Afterwards, because an answer reads the publications up to this day.
  await tables.exchangeRateFetches.upsert(noOrganization, 'last', (found) => ({
    id: 'last',
    lastDay: [lastDay, found?.lastDay ?? '', ...fetched.map(({ day }) => day)].reduce((a, b) => (a > b ? a : b)),
    at: now().toISOString(),
  }))
}

export const Info = z.object({
  date: z.string(),
  publishedOn: z.string().describe('The day of the publication: the date, or the last one within a week before it.'),
  base: z.string(),
  rates: z.array(
    z.object({ currency: z.string(), ...exactly('rate', 'Units of the currency for one unit of `base`.') }),
  ),
  source: z.string(),
  lastDay: z.string().describe('The newest publication that is held.'),
  fetchedAt: z.string().nullable().describe('The last successful fetch; null if only the bundled rates are held.'),
})

export const get = command(
  'currencies.rates',
  z.strictObject({ date: Day.optional().describe('By default the day of the newest publication.') }),
  'read:costs',
  async (ctx, { date: asked }): Promise<z.infer<typeof Info>> => {
    const { lastDay, fetchedAt } = await held(ctx)
    const date = asked ?? lastDay
    const found = await publications(ctx, { start: date, end: date }, lastDay)
    const published = publicationOf(new Map(found.map((publication) => [publication.day, publication])), date)
    if (!published)
      throw new Fault('not_found', `No exchange rates of ${date} are held. The newest are those of ${lastDay}.`)
    const rates = Object.entries(published.rates).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return {
      date,
      publishedOn: published.day,
      base,
      rates: rates.map(([currency, rate]) => ({ currency, ...withExact('rate', parse(rate)) })),
      source,
      lastDay,
      fetchedAt,
    }
  },
)
