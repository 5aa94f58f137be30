import type { Timing } from '../effects/timers.ts'

const unitMinutes = { minute: 1, hour: 60, day: 1440 } as const
const leastMinutes = 5
const mostMinutes = 366 * 1440
const minuteMs = 60_000

/** `15 minutes`. A text that is no rate answers what is wrong. */
export function rateOf(text: string): { everyMinutes: number } | { wrong: string } {
  const [, count, unit] = /^(\d{1,6}) (minute|hour|day)s?$/.exec(text) ?? []
  if (count === undefined) return { wrong: 'must be a rate, such as 15 minutes, 6 hours or 1 day' }
  const everyMinutes = Number(count) * unitMinutes[unit as keyof typeof unitMinutes]
  return everyMinutes < leastMinutes || everyMinutes > mostMinutes
    ? { wrong: `must be ${leastMinutes} minutes to 366 days` }
    : { everyMinutes }
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface Part {
  is: string
  least: number
  most: number
  names?: readonly string[]
}

const parts = [
  { is: 'minute', least: 0, most: 59 },
  { is: 'hour', least: 0, most: 23 },
  { is: 'day of the month', least: 1, most: 31 },
  { is: 'month', least: 1, most: 12, names: months },
  // 7 is Sunday too.
  { is: 'day of the week', least: 0, most: 7, names: weekdays },
] as const satisfies readonly Part[]

/** The values of one part, sorted; undefined: it is not written as cron writes it. */
function valuesOf(text: string, { least, most, names = [] }: Part): number[] | undefined {
  const values = new Set<number>()
  for (const item of text.toLowerCase().split(',')) {
    const [, from = '', to, step = '1'] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d{1,2}))?$/.exec(item) ?? []
    const numberOf = (word: string) => {
      const named = names.indexOf(word)
      return /^\d{1,2}$/.test(word) ? Number(word) : named < 0 ? NaN : named + (least === 1 ? 1 : 0)
    }
    const isOpen = from === '*' || (to === undefined && item.includes('/'))
    const first = from === '*' ? least : numberOf(from)
    const last = from === '*' && to !== undefined ? NaN : isOpen ? most : numberOf(to ?? from)
    if (!(first >= least && last <= most && first <= last && Number(step) > 0)) return undefined
    for (let value = first; value <= last; value += Number(step)) values.add(value)
  }
  return [...values].toSorted((a, b) => a - b)
}

/** Minutes, hours, days of the month, months, and days of the week from 0 (Sunday) to 6. */
type Values = [number[], number[], number[], number[], number[]]

/** A text that is no cron expression of five parts answers what is wrong. */
function cronValues(cron: string): { values: Values; texts: string[] } | { wrong: string } {
  const texts = cron.trim().split(/\s+/)
  const form = 'must have five parts: minute, hour, day of the month, month, day of the week, such as 0 19 * * 1-5'
  if (texts.length !== parts.length) return { wrong: form }
  const values = parts.map((part, index) => valuesOf(texts[index] ?? '', part))
  const wrong = parts.find((_, index) => values[index] === undefined)
  const [minutes, hours, days, ofYear, ofWeek] = values
  if (wrong) return { wrong: `must have a ${wrong.is} of ${wrong.least} to ${wrong.most}, with , - * /` }
  if (!minutes || !hours || !days || !ofYear || !ofWeek) return { wrong: form }
  const week = [...new Set(ofWeek.map((day) => day % 7))].toSorted((a, b) => a - b)
  if (texts[2] !== '*' && texts[4] !== '*')
    return { wrong: 'must leave the day of the month or the day of the week as *' }
  return { values: [minutes, hours, days, ofYear, week], texts }
}

/** Why it is no cron expression of ours; undefined if it is one that comes to pass. */
export function cronComplaint(cron: string): string | undefined {
  const read = cronValues(cron)
  if ('wrong' in read) return read.wrong
  const [, , days, ofYear] = read.values
  const isReal = ofYear.some((month) => days.some((day) => day <= (longest[month - 1] ?? 0)))
  return isReal ? undefined : 'must name a day that exists'
}

/** The most days of each month. */
const longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** The coming times, in order. The library decides what becomes of a time that daylight saving skips. */
export async function nextTimes(timing: Timing, now: Date, count: number): Promise<Date[]> {
  if ('cron' in timing) return (await cronOf(timing)).nextRuns(count, now)
  const period = timing.everyMinutes * minuteMs
  const first = Math.floor(now.getTime() / period) + 1
  return Array.from({ length: count }, (_, index) => new Date((first + index) * period))
}

/** The last time that is not after `now`. */
export async function lastTime(timing: Timing, now: Date): Promise<Date | undefined> {
  // The library looks before its argument.
  if ('cron' in timing) return (await cronOf(timing)).previousRuns(1, new Date(now.getTime() + 1000))[0]
  const period = timing.everyMinutes * minuteMs
  return new Date(Math.floor(now.getTime() / period) * period)
}

async function cronOf({ cron, timeZone }: Extract<Timing, { cron: string }>) {
  const lists = cronValues(cron)
  if ('wrong' in lists) throw new Error(`The cron expression ${cron} ${lists.wrong}.`)
  // As plain lists, so that the library reads them as we do.
  const plain = lists.values.map((values, index) => listed(values, allOf[index] ?? 0)).join(' ')
  // Most calls of the API need no times.
  const { Cron } = await import('croner')
  return new Cron(plain, { mode: '5-part', timezone: timeZone, paused: true })
}

/** How many values each part has. */
const allOf = [60, 24, 31, 12, 7]

/**
 * As EventBridge Scheduler writes it. Its cron has six parts, days of the week by name, and `?` for the day that the
 * other one gives: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
export function awsExpression(timing: Timing): string {
  if (!('cron' in timing)) return `rate(${timing.everyMinutes} ${timing.everyMinutes === 1 ? 'minute' : 'minutes'})`
  const read = cronValues(timing.cron)
  if ('wrong' in read) throw new Error(`The cron expression ${timing.cron} ${read.wrong}.`)
  const { values, texts } = read
  const [minutes, hours, days, ofYear, ofWeek] = values
  const isWeekly = texts[4] !== '*'
  const week = ofWeek.map((day) => weekdays[day]?.toUpperCase()).join(',')
  const written = [
    listed(minutes, 60),
    listed(hours, 24),
    isWeekly ? '?' : listed(days, 31),
    listed(ofYear, 12),
    isWeekly ? week : '?',
  ]
  return `cron(${written.join(' ')} *)`
}

/** `0,15,30-32`; all values: `*`. */
function listed(values: readonly number[], all: number): string {
  if (values.length === all) return '*'
  const runs: [first: number, last: number][] = []
  for (const value of values) {
    const run = runs.at(-1)
    if (run && run[1] === value - 1) run[1] = value
    else runs.push([value, value])
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',')
}
