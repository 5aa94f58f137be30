import { Calendar, type ExchangeRates, Fault, type Publication } from '@cloudoptima/core'
import { createGuardedFetch, type GuardOptions } from './tokens/guarded-fetch.ts'

/** The file of 90 days heals gaps; a longer one needs the whole history (since 1999, about 8 MB). */
const recentDays = 80
const limits = { timeoutMs: 10_000, maxBytes: 32 * 1024 * 1024 }

const envelope =
  /^<\?xml [^>]*\?>\s*<gesmes:Envelope [^>]*>\s*<gesmes:subject>Reference rates<\/gesmes:subject>\s*<gesmes:Sender>\s*<gesmes:name>European Central Bank<\/gesmes:name>\s*<\/gesmes:Sender>\s*<Cube>(.*)<\/Cube>\s*<\/gesmes:Envelope>\s*$/s
const rateElement = /\s*<Cube currency=["']([A-Z]{3})["'] rate=["'](\d{1,9}(?:\.\d{1,9})?)["']\s*\/>\s*/y
const dayElement = /\s*<Cube time=["'](\d{4}-\d\d-\d\d)["']\s*>([^]*?)<\/Cube>\s*/y

/** `url` is the folder of the ECB's files. */
export function createExchangeRates(url: string, options: GuardOptions = {}, now = () => new Date()): ExchangeRates {
  const fetch = createGuardedFetch({ ...limits, ...options })
  return {
    async after(day) {
      const today = Calendar.dayOf(now())
      const isRecent = Calendar.daysIn({ start: day, end: today }) <= recentDays
      const file = new URL(isRecent ? 'eurofxref-hist-90d.xml' : 'eurofxref-hist.xml', url)
      const answer = await fetch(file)
      if (!answer.ok) throw new Fault('unavailable', `${file.href} answers with status ${answer.status}.`)
      const published = publicationsIn(await answer.text())
      if (!published?.every(({ day }) => Calendar.Day.safeParse(day).success && day <= today))
        throw new Fault('unavailable', `${file.href} does not have the form of the ECB's reference rates.`)
      return published.filter((publication) => publication.day > day)
    },
  }
}

/** Undefined if any part of the text has another form. */
function publicationsIn(text: string): Publication[] | undefined {
  const days = all(dayElement, envelope.exec(text)?.[1] ?? '')?.map(([, day = '', body = '']) => {
    const rates = all(rateElement, body)?.map(([, currency = '', rate = '']) => [currency, rate] as const)
    return rates?.every(([, rate]) => Number(rate) > 0) ? { day, rates: Object.fromEntries(rates) } : undefined
  })
  return days?.every((day) => day !== undefined) ? days : undefined
}

/** The matches that make up the whole text, at least one. */
function all(element: RegExp, text: string): RegExpExecArray[] | undefined {
  const found: RegExpExecArray[] = []
  element.lastIndex = 0
  for (let at = 0; at < text.length; at = element.lastIndex) {
    const match = element.exec(text)
    if (!match) return undefined
    found.push(match)
  }
  return found.length > 0 ? found : undefined
}
