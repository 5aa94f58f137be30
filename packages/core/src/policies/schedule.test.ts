import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { awsExpression, cronComplaint, lastTime, nextTimes, rateOf } from './schedule.ts'

const now = new Date('2026-11-23T08:07:00Z')
const texts = async (...asked: Parameters<typeof nextTimes>) =>
  (await nextTimes(...asked)).map((time) => time.toISOString())

describe('a schedule', () => {
  test.each([
    ['0 19 * * 1-5', 'cron(0 19 ? * MON,TUE,WED,THU,FRI *)'],
    ['*/15 * * * *', 'cron(0,15,30,45 * * * ? *)'],
    ['30 4 1,15 * *', 'cron(30 4 1,15 * ? *)'],
    ['0 0 * jan-mar sun', 'cron(0 0 ? 1-3 SUN *)'],
    ['0 0 * * 5-7', 'cron(0 0 ? * SUN,FRI,SAT *)'],
    ['5/20 9-17/4 * * *', 'cron(5,25,45 9,13,17 * * ? *)'],
  ])('%s is %s in EventBridge Scheduler', (cron, expression) => {
    expect(cronComplaint(cron)).toBeUndefined()
    expect(awsExpression({ cron, timeZone: 'UTC' })).toBe(expression)
  })

  test.each([
    ['', /five parts/],
    ['0 19 * *', /five parts/],
    ['0 0 19 * * 1', /five parts/],
    ['60 * * * *', /a minute of 0 to 59/],
    ['0 24 * * *', /an? hour of 0 to 23/],
    ['0 0 0 * *', /a day of the month of 1 to 31/],
    ['0 0 * 13 *', /a month of 1 to 12/],
    ['0 0 * * 8', /a day of the week of 0 to 7/],
    ['0 0 * * 5-1', /a day of the week/],
    ['*/0 * * * *', /a minute/],
    ['0 0 L * *', /a day of the month/],
    ['0 0 * * 1#2', /a day of the week/],
    ['0 0 1 * 1', /leave the day/],
    ['0 0 30 2 *', /a day that exists/],
    ['@daily', /five parts/],
  ])('%s is refused', (cron, message) => {
    expect(cronComplaint(cron)).toMatch(message)
  })

  test('comes by the clock of its time zone, also when the clock changes', async () => {
    const timing = { cron: '0 19 * * *', timeZone: 'Europe/Zurich' }
    const spring = await texts(timing, new Date('2027-03-27T00:00:00Z'), 2)
    expect(spring).toEqual(['2027-03-27T18:00:00.000Z', '2027-03-28T17:00:00.000Z'])
  })

  test('of a rate counts from 1970, whoever asks', async () => {
    expect(rateOf('6 hours')).toEqual({ everyMinutes: 360 })
    expect(await texts({ everyMinutes: 360 }, now, 2)).toEqual(['2026-11-23T12:00:00.000Z', '2026-11-23T18:00:00.000Z'])
    expect(awsExpression({ everyMinutes: 360 })).toBe('rate(360 minutes)')
    for (const wrong of ['1 minute', '4 minutes', '400 days', '1 week', 'hourly', '-5 minutes'])
      expect(rateOf(wrong)).toHaveProperty('wrong')
  })

  test('of a rate comes at whole multiples, each once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 5, max: 10_000 }), fc.nat(10_000_000), async (everyMinutes, offset) => {
        const from = new Date(now.getTime() + offset * 1000)
        const [first, second] = (await nextTimes({ everyMinutes }, from, 2)).map((time) => time.getTime())
        const period = everyMinutes * 60_000
        expect([(first ?? 0) % period, (second ?? 0) - (first ?? 0)]).toEqual([0, period])
        expect((first ?? 0) - from.getTime()).toBeGreaterThan(0)
        expect((first ?? 0) - from.getTime()).toBeLessThanOrEqual(period)
      }),
    )
  })
})

/** The meaning of a cron expression of AWS, by its documentation, minute by minute. */
function awsTimes(expression: string, from: Date, count: number): string[] {
  const [minute = '', hour = '', day = '', month = '', week = ''] = expression.slice(5, -1).split(' ')
  const names = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
  const allows = (text: string, value: number) =>
    text === '*' ||
    text === '?' ||
    text.split(',').some((item) => {
      const [first = NaN, last = first] = item.split('-').map(Number)
      return first <= value && value <= last
    })
  const found: string[] = []
  for (let ms = from.getTime() + 60_000; found.length < count; ms += 60_000) {
    const at = new Date(ms)
    if (!allows(hour, at.getUTCHours()) || !allows(minute, at.getUTCMinutes())) continue
    const isOfWeek = week === '?' || week.split(',').includes(names[at.getUTCDay()] ?? '')
    if (isOfWeek && allows(day, at.getUTCDate()) && allows(month, at.getUTCMonth() + 1)) found.push(at.toISOString())
  }
  return found
}

const part = (least: number, most: number) => {
  const value = fc.integer({ min: least, max: most })
  const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
  const step = fc.integer({ min: 1, max: 30 })
  const item = fc.oneof(
    value.map(String),
    range,
    fc.tuple(range, step).map(([of, every]) => `${of}/${every}`),
    step.map((every) => `*/${every}`),
    fc.tuple(value, step).map(([of, every]) => `${of}/${every}`),
  )
  return fc.oneof(
    fc.constant('*'),
    fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join(',')),
  )
}

test('any cron expression has the same times in the library and in EventBridge Scheduler', async () => {
  const dayAndWeek = fc.oneof(
    part(1, 28).map((day) => [day, '*']),
    part(0, 7).map((week) => ['*', week]),
  )
  await fc.assert(
    fc.asyncProperty(part(0, 59), part(0, 23), dayAndWeek, async (minute, hour, [day, week]) => {
      const cron = `${minute} ${hour} ${day} * ${week}`
      expect(cronComplaint(cron)).toBeUndefined()
      const expression = awsExpression({ cron, timeZone: 'UTC' })
      expect(expression.length).toBeLessThanOrEqual(256)
      const library = await texts({ cron, timeZone: 'UTC' }, now, 4)
      expect(library).toEqual(awsTimes(expression, now, 4))
    }),
    { numRuns: 150 },
  )
})

test('the last time of any schedule is the newest one that is not after now', async () => {
  const rates = fc.integer({ min: 5, max: 10_000 }).map((everyMinutes) => ({ everyMinutes }))
  const crons = fc
    .tuple(part(0, 59), part(0, 23), fc.constantFrom('UTC', 'Asia/Kolkata'))
    .map(([minute, hour, timeZone]) => ({ cron: `${minute} ${hour} * * *`, timeZone }))
  await fc.assert(
    fc.asyncProperty(fc.oneof(rates, crons), fc.nat(100_000_000), async (timing, offset) => {
      const [due = now] = await nextTimes(timing, new Date(now.getTime() + offset), 1)
      expect(await lastTime(timing, due)).toEqual(due)
      const [next = due] = await nextTimes(timing, due, 1)
      expect(await lastTime(timing, new Date(next.getTime() - 1000))).toEqual(due)
    }),
    { numRuns: 100 },
  )
})
