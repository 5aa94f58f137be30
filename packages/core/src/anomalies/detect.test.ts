import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { random } from '../analytics/series/numeric.ts'
import type { Context } from '../effects/context.ts'
import type { Queries } from '../effects/queries.ts'
import { addDays, monthSpan } from '../kernel/calendar.ts'
import { lakeOf, snapshot } from '../testing/cost-lake.ts'
import type { MemoryRuntime } from '../testing/runtime.ts'
import * as Anomalies from './anomalies.ts'
import * as Expected from './expected.ts'
import { run } from './detect.ts'

type Row = Queries['costSeries']['row']

const months = ['2026-06', '2026-07', '2026-08', '2026-09', '2026-10']
const bills = months.map((period) =>
  snapshot({
    provider: 'AWS',
    period,
    days: { first: `${period}-01`, last: monthSpan(period).end },
    at: '2026-11-03T06:00:00.000Z',
  }),
)
const first = '2026-06-01'
const last = '2026-10-31'
const days = Array.from({ length: 153 }, (_, n) => addDays(first, n))

/** 100 on weekdays, 60 on weekends, with noise of 4 %, plus the extra of a day. */
function series(dimensions: Partial<Row>, extra: Record<string, number> = {}, from = first): Row {
  const own = days.filter((day) => day >= from)
  const costs = own.map((day) => {
    const usual = [0, 6].includes(new Date(day).getUTCDay()) ? 60 : 100
    return usual * (0.96 + 0.08 * random(1 + days.indexOf(day))()) + (extra[day] ?? 0)
  })
  const none = { provider: 'AWS', account: null, service: null, region: null, tag: null }
  const more = { charged: 'usage' as const, currency: 'USD', days: JSON.stringify(own), costs: JSON.stringify(costs) }
  return { ...none, ...dimensions, ...more }
}

const ec2 = { account: '1', service: 'EC2' }
const spike = (amount: number) => ({ '2026-10-28': amount, '2026-10-29': amount })
const grown = (amount: number): Row[] => [
  series({}, spike(amount)),
  series({ account: '1' }, spike(amount)),
  series({ service: 'EC2' }, spike(amount)),
  series(ec2, spike(amount)),
]
const shares: Queries['costShares']['row'][] = [
  { dimension: 'total', value: null, cost: '400.25', previous: '2400', used: null, usedBefore: null, unit: null },
  { dimension: 'service', value: 'EC2', cost: '400.25', previous: '2400', used: null, usedBefore: null, unit: null },
  { dimension: 'resource', value: 'i-1', cost: '200.25', previous: '0', used: null, usedBefore: null, unit: null },
]

let ctx: Context
let runtime: MemoryRuntime
let held: Row[]
let now: string
const settled = '2026-11-01T00:00:00.000Z'

beforeEach(async () => {
  held = grown(100)
  now = '2026-11-03T07:00:00.000Z'
  const lake = await lakeOf(bills)
  runtime = lake.runtime
  runtime.lake.query = async (name: string) => (name === 'costSeries' ? held : name === 'costShares' ? shares : [])
  ctx = { ...lake.ctx, now: () => new Date(now) }
})

const found = async () => (await Anomalies.list(ctx, {})).anomalies
const announced = () => runtime.events.filter(({ name }) => name === 'anomaly.detected')
const only = async () => {
  const [anomaly, ...others] = await found()
  expect(others).toEqual([])
  if (!anomaly) throw new Error('no anomaly')
  return anomaly
}

test('one cause is one anomaly of the deepest series, with its exact cost, and is announced', async () => {
  await run(ctx, settled)
  expect(await only()).toMatchObject({
    status: 'active',
    provider: 'AWS',
    account: '1',
    service: 'EC2',
    startDate: '2026-10-28',
    endDate: '2026-10-29',
    currency: 'USD',
    actualCostExact: '400.25',
    affectedResources: ['i-1'],
  })
  expect(announced()).toHaveLength(1)
  const { id } = await only()
  const detail = await Anomalies.get(ctx, { id })
  expect(detail.alsoSeen).toHaveLength(3)
  const excess = detail.shares.filter(({ dimension }) => dimension === 'resource').map((share) => Number(share.excess))
  expect(excess.reduce((sum, part) => sum + part, 0)).toBeCloseTo(detail.impactAmount, 6)
})

test('the same costs again change nothing and announce nothing', async () => {
  for (let n = 0; n < 3; n++) {
    now = addDays('2026-11-03', n) + 'T07:00:00.000Z'
    await run(ctx, settled)
  }
  expect((await only()).detectedAt).toBe('2026-11-03T07:00:00.000Z')
  expect(announced()).toHaveLength(1)
})

test('an anomaly keeps its identity while it grows, and when a deeper series explains it later', async () => {
  held = [series({}, spike(100)), series({ service: 'EC2' }, spike(100))]
  await run(ctx, settled)
  const before = await only()
  held = grown(160)
  await run(ctx, settled)
  const after = await only()
  expect(after).toMatchObject({ id: before.id, detectedAt: before.detectedAt, account: '1' })
  expect(announced()).toHaveLength(1)
})

test('a series whose anomaly moved to a deeper one can have another from the same day', async () => {
  const above = (amount: number) => [series({}, spike(amount)), series({ service: 'EC2' }, spike(amount))]
  held = above(100)
  await run(ctx, settled)
  const { id } = await only()
  held = grown(100)
  await run(ctx, settled)
  held = [...above(400), series(ec2, spike(100))]
  for (let n = 0; n < 2; n++) {
    await run(ctx, settled)
    expect((await found()).map((each) => each.account).toSorted()).toEqual(['1', null])
    expect((await found()).find(({ account }) => account === '1')).toMatchObject({ id })
    expect(announced()).toHaveLength(2)
  }
})

test('two analyses at once write each anomaly once', async () => {
  await Promise.all([run(ctx, settled), run(ctx, settled)])
  await only()
  expect(announced()).toHaveLength(1)
})

test('a correction of its costs withdraws it with the reason, and brings it back without a second event', async () => {
  await run(ctx, settled)
  const { id } = await only()
  held = grown(0)
  await run(ctx, settled)
  expect(await found()).toEqual([])
  const withdrawn = await Anomalies.get(ctx, { id })
  expect(withdrawn).toMatchObject({
    status: 'withdrawn',
    withdrawnBecause: expect.stringMatching(/corrected these costs from \d+.* USD/),
  })
  await expect(Anomalies.resolve(ctx, { id })).rejects.toMatchObject({ code: 'conflict' })
  held = grown(100)
  await run(ctx, settled)
  expect(await only()).toMatchObject({ id, status: 'active', closedAt: null, withdrawnBecause: null })
  expect(announced()).toHaveLength(1)
})

test('the costs of a purged account take their anomalies along', async () => {
  await run(ctx, settled)
  held = [series({ account: '2' })]
  await run(ctx, settled)
  expect(await found()).toEqual([])
})

test('a purged account takes its anomalies along, also those that are closed', async () => {
  await run(ctx, settled)
  await Anomalies.resolve(ctx, { id: (await only()).id })
  const head = await runtime.tables.heads.get('org_test', 'head')
  const excluded = [{ cloud: 'aws' as const, accountId: '1', cloudAccountId: 'acc_1', at: now }]
  if (head) await runtime.tables.heads.put('org_test', { ...head, excluded })
  held = [series({ account: '2' })]
  await run(ctx, settled)
  expect(await runtime.tables.anomalies.all('org_test')).toEqual([])
})

test('a series that only left the largest ones takes nothing back', async () => {
  await run(ctx, settled)
  held = Array.from({ length: 500 }, (_, n) => series({ account: `other-${n}` }))
  await run(ctx, settled)
  expect(await only()).toMatchObject({ status: 'active' })
})

test('nor does one that left the largest ones when tags are watched, which have a part of the series', async () => {
  await run(ctx, settled)
  const anomalies = { sensitivity: 'medium', floorAmount: 20, floorPercent: 10, tagKeys: ['Team'] }
  await runtime.tables.organizations.put('org_test', { id: 'org_test', anomalies } as never)
  const others = Array.from({ length: 300 }, (_, n) => series({ account: `other-${n}` }))
  runtime.lake.query = (async (name: string, _: never, { most, tagKey }: { most: number; tagKey?: string }) =>
    name === 'costSeries' && tagKey === undefined ? others.slice(0, most) : []) as typeof runtime.lake.query
  await run(ctx, settled)
  expect(await only()).toMatchObject({ status: 'active' })
})

test('two causes stay two, when the series above them moves from one to the other', async () => {
  const both = (first: number, second: number) => [
    series({}, spike(first + second)),
    series({ account: '1', service: 'EC2' }, spike(first)),
    series({ account: '2', service: 'EC2' }, spike(second)),
  ]
  held = both(300, 100)
  await run(ctx, settled)
  const before = (await found()).map(({ id }) => id).toSorted()
  expect(before).toHaveLength(2)
  held = both(100, 300)
  await run(ctx, settled)
  expect((await found()).map(({ id }) => id).toSorted()).toEqual(before)
  expect(announced()).toHaveLength(2)
})

test('what a service has beside an anomaly of one account is an anomaly without the costs of that account', async () => {
  const [service, whole] = [{ service: 'EC2' }, series({}).costs]
  // The service has the costs of another account beside those of this one.
  const both = (own: number, other: number) => {
    const one = series(ec2, spike(own))
    const sum = (JSON.parse(one.costs) as number[]).map(
      (cost, n) =>
        cost +
        ((JSON.parse(whole) as number[])[n] ?? 0) +
        (new Map(Object.entries(spike(other))).get(days[n] ?? '') ?? 0),
    )
    return [one, { ...series(service), costs: JSON.stringify(sum) }]
  }
  const asked: unknown[] = []
  runtime.lake.query = (async (name: string, _: never, parameters: { leftOut: unknown }) => {
    if (name === 'costShares') asked.push(parameters.leftOut)
    return name === 'costSeries' ? held : []
  }) as typeof runtime.lake.query
  held = both(600, 400)
  for (let n = 0; n < 2; n++) await run(ctx, settled)
  const rows = (await runtime.tables.anomalies.all('org_test')).toSorted((a, b) => b.impact - a.impact)
  expect(rows.map(({ impact }) => Math.round(impact / 100))).toEqual([12, 8])
  for (const { seriesCost, expected, impact } of rows) expect(seriesCost - expected).toBeCloseTo(impact, 3)
  expect(rows[1]?.seriesCost).toBeLessThan(1_100)
  const part = [
    { dimension: 'provider', values: ['AWS'] },
    { dimension: 'account', values: ['1'] },
    { dimension: 'service', values: ['EC2'] },
  ]
  expect(asked).toEqual([[], [part]])
  expect(await Anomalies.get(ctx, { id: rows[1]?.id ?? '' })).toMatchObject({
    rootCause: expect.stringMatching(/The figures leave out account 1, service EC2\.$/),
    leftOut: [{ provider: 'AWS', account: '1', service: 'EC2' }],
  })
  expect(announced()).toHaveLength(2)
  held = both(600, 0)
  await run(ctx, settled)
  expect((await found()).map(({ account, status }) => [account, status])).toEqual([['1', 'active']])
  expect(await Anomalies.get(ctx, { id: rows[1]?.id ?? '' })).toMatchObject({
    status: 'withdrawn',
    withdrawnBecause: expect.stringContaining('corrected'),
  })
})

test('a corrected anomaly is withdrawn, and another cause three days later is announced as its own', async () => {
  const [s3, other] = [
    { account: '1', service: 'S3' },
    { account: '2', service: 'EC2' },
  ]
  held = [series({}, { '2026-10-25': 400 }), series(s3, { '2026-10-25': 400 }), series(other)]
  await run(ctx, settled)
  const before = await only()
  held = [series({}, { '2026-10-28': 5_000 }), series(s3), series(other, { '2026-10-28': 5_000 })]
  await run(ctx, settled)
  const after = await only()
  expect(after).toMatchObject({ account: '2', service: 'EC2', startDate: '2026-10-28' })
  expect(after.id).not.toBe(before.id)
  expect(announced()).toHaveLength(2)
  expect(await Anomalies.get(ctx, { id: before.id })).toMatchObject({ status: 'withdrawn', service: 'S3' })
})

test('a root cause of the total has the costs of the providers that were judged', async () => {
  const stopped = snapshot({ provider: 'GCP', period: '2026-09', days: { first: '2026-09-01', last: '2026-09-20' } })
  const newer = bills.map((bill) => ({ ...bill, provider: 'Azure', id: `az/${bill.id}`, partition: `az/${bill.id}` }))
  for (const bill of [stopped, ...newer]) await runtime.tables.partitions.put('org_test', bill)
  const half = spike(45)
  held = [series({}, half), series({ provider: 'Azure' }, half), series({ provider: 'GCP' })]
  const asked: unknown[] = []
  const query = runtime.lake.query
  runtime.lake.query = (async (name: string, files: never, parameters: { filters: unknown }) => {
    if (name === 'costShares') asked.push(parameters.filters)
    return await query(name as 'costShares', files, parameters as never)
  }) as typeof query
  const anomalies = { sensitivity: 'medium', floorAmount: 120, floorPercent: 1, tagKeys: [] }
  await runtime.tables.organizations.put('org_test', { id: 'org_test', anomalies } as never)
  await run(ctx, settled)
  expect((await only()).dimensions).toEqual({})
  expect(asked).toEqual([[{ dimension: 'provider', values: ['AWS', 'Azure'] }]])
})

test('a payer whose bill is late causes no dip', async () => {
  await bringSecondPayer('2026-10-01', '2026-10-28', '2026-10-30T06:00:00.000Z')
  const gone = { '2026-10-29': -100, '2026-10-30': -100, '2026-10-31': -60 }
  held = [series({}), series({ account: '1' }), series({ account: '2' }, gone)]
  await run(ctx, settled)
  expect(await found()).toEqual([])
})

test('a mark covers an anomaly that is known already, until a user reopens it', async () => {
  await run(ctx, settled)
  const { id } = await only()
  await Expected.create(ctx, { startDate: '2026-10-27', endDate: '2026-10-30', note: 'Migration' })
  expect(runtime.events.filter(({ name }) => name === 'judgement.changed')).toHaveLength(1)
  await run(ctx, settled)
  expect(await only()).toMatchObject({ id, status: 'ignored' })
  await Anomalies.reopen(ctx, { id })
  held = grown(180)
  await run(ctx, settled)
  expect(await only()).toMatchObject({ id, status: 'active' })
})

describe('marks', () => {
  const mark = { startDate: '2026-10-27', endDate: '2026-10-30', note: 'Migration' }

  test('that are removed leave an anomaly to be judged again, which is announced once', async () => {
    const { id } = await Expected.create(ctx, mark)
    await run(ctx, settled)
    expect(await only()).toMatchObject({ status: 'ignored', expectedBy: id })
    await Expected.remove(ctx, { id })
    for (let n = 0; n < 2; n++) {
      await run(ctx, settled)
      expect(await only()).toMatchObject({ status: 'active', expectedBy: null, note: null, closedAt: null })
      expect(announced()).toHaveLength(1)
    }
  })

  test('that are removed after a correction leave a withdrawn anomaly, which is not announced', async () => {
    const { id } = await Expected.create(ctx, mark)
    await run(ctx, settled)
    await Expected.remove(ctx, { id })
    held = grown(0)
    await run(ctx, settled)
    expect(
      (await runtime.tables.anomalies.all('org_test')).map(({ status, expectedBy }) => [status, expectedBy]),
    ).toEqual([['withdrawn', undefined]])
    expect(announced()).toEqual([])
  })

  test('that a user made by ignoring leave the anomaly ignored when they are removed', async () => {
    await run(ctx, settled)
    const { id } = await only()
    const { expectedBy } = await Anomalies.ignore(ctx, { id, expected: 'once', note: 'A test.' })
    await Expected.remove(ctx, { id: expectedBy ?? '' })
    await run(ctx, settled)
    expect(await only()).toMatchObject({ status: 'ignored', expectedBy: null, note: 'A test.' })
  })

  test('of unused commitments expect no usage, nor amounts in another currency', async () => {
    const unused = series({ ...ec2 }, spike(100))
    held = [{ ...unused, charged: 'unused' }]
    await run(ctx, settled)
    const { id } = await only()
    await Anomalies.ignore(ctx, { id, expected: 'once' })
    held = [{ ...unused, charged: 'unused' }, series(ec2, spike(4_500)), { ...unused, currency: 'EUR' }]
    await run(ctx, settled)
    const states = (await found()).map(({ chargedAs, currency, status }) => [chargedAs, currency, status])
    expect(states.toSorted()).toEqual([
      ['unused', 'USD', 'ignored'],
      ['usage', 'EUR', 'active'],
      ['usage', 'USD', 'active'],
    ])
  })

  test.each([
    ['resolved', Anomalies.resolve],
    ['ignored', Anomalies.ignore],
  ] as const)('that a user overruled stay so, also of an anomaly that was %s', async (_, close) => {
    await run(ctx, settled)
    const { id } = await only()
    await Anomalies.ignore(ctx, { id, expected: 'once', note: 'A test.' })
    const closed = await close(ctx, { id })
    expect(closed).toMatchObject({ note: 'A test.', expectedBy: id.replace('ano_', 'exp_') })
    await Anomalies.reopen(ctx, { id })
    await run(ctx, settled)
    expect(await only()).toMatchObject({ id, status: 'active', expectedBy: null })
  })

  test('keep the note of a user', async () => {
    await run(ctx, settled)
    const { id } = await only()
    await Anomalies.reopen(ctx, { id, note: 'I look at it.' })
    await Expected.create(ctx, mark)
    await run(ctx, settled)
    expect(await only()).toMatchObject({ status: 'ignored', note: 'I look at it.' })
  })
})

test('in the first hour nothing is announced, and a judgement by too few bills is forgotten', async () => {
  const spikes = spike(40)
  held = [series(ec2, spikes, '2026-10-01')]
  await run(ctx, now)
  expect(await found()).toHaveLength(1)
  const before = days.filter((day, n) => day < '2026-10-01' && n % 2 === 0).map((day) => [day, 60])
  held = [series(ec2, { ...Object.fromEntries(before), ...spikes })]
  await run(ctx, now)
  const rows = await runtime.tables.anomalies.all('org_test')
  expect(rows.filter(({ last }) => last >= '2026-10-28')).toEqual([])
  expect(announced()).toEqual([])
})

/** Its bill of October. */
async function bringSecondPayer(from: string, to: string, at: string) {
  const [partition, days] = ['AWS/2/2026-10', { first: from, last: to }]
  const bill = snapshot({ provider: 'AWS', period: '2026-10', billingAccountId: '2', partition, days, at })
  await runtime.tables.partitions.put('org_test', { ...bill, id: partition })
}

test('bills that begin are no anomaly of the series across accounts', async () => {
  await bringSecondPayer('2026-10-20', last, '2026-11-03T06:00:00.000Z')
  const more = Object.fromEntries(days.filter((day) => day >= '2026-10-20').map((day) => [day, 90]))
  held = [series({}, more), series({ account: '1' }), series({ account: '2' }, {}, '2026-10-20')]
  await run(ctx, settled)
  expect(await found()).toEqual([])
})

test('a run finds the root causes of the largest anomalies, and the next ones those of the others', async () => {
  held = Array.from({ length: 120 }, (_, n) => series({ account: `${n}` }, spike(100 + n)))
  expect(await run(ctx, settled)).toBe(false)
  const { anomalies, pagination } = await Anomalies.list(ctx, { pageSize: 100 })
  expect(pagination.total).toBe(100)
  expect(new Set(anomalies.map(({ account }) => Number(account))).has(19)).toBe(false)
  // Nothing is withdrawn in favor of an anomaly that is not written yet.
  held = held.slice(1)
  expect(await run(ctx, settled)).toBe(true)
  expect((await Anomalies.list(ctx, {})).pagination.total).toBe(119)
  expect(announced()).toHaveLength(119)
  expect(await run(ctx, settled)).toBe(true)
  expect(announced()).toHaveLength(119)
})

test('a list has the pages of the anomalies that pass its filters, the newest alarms first', async () => {
  const on = (day: string) => ({ [day]: 200, [addDays(day, 1)]: 200 })
  const alarms = ['2026-09-10', '2026-10-01', '2026-10-20']
  held = alarms.map((day, n) => series({ account: `${n}`, service: 'EC2' }, on(day)))
  await run(ctx, settled)
  const accounts = async (filter: Parameters<typeof Anomalies.list>[1]) => {
    const { anomalies, pagination } = await Anomalies.list(ctx, filter)
    return [pagination.total, ...anomalies.map(({ account }) => account)]
  }
  expect(await accounts({})).toEqual([3, '2', '1', '0'])
  expect(await accounts({ page: 2, pageSize: 2 })).toEqual([3, '0'])
  expect(await accounts({ startDate: '2026-10-02' })).toEqual([2, '2', '1'])
  expect(await accounts({ endDate: '2026-10-01', service: 'EC2', provider: 'AWS' })).toEqual([2, '1', '0'])
  expect(await accounts({ account: '1' })).toEqual([1, '1'])
  expect(await accounts({ service: 'S3' })).toEqual([0])
  now = '2027-11-01T00:00:00.000Z'
  expect(await accounts({})).toEqual([2, '2', '1'])
})

describe('users', () => {
  test('resolve, ignore and reopen with a note, and their decision stays', async () => {
    await run(ctx, settled)
    const { id } = await only()
    expect(await Anomalies.resolve(ctx, { id, note: 'A load test.' })).toMatchObject({
      status: 'resolved',
      note: 'A load test.',
      closedBy: ctx.actor.id,
    })
    held = grown(170)
    await run(ctx, settled)
    expect(await only()).toMatchObject({ id, status: 'resolved', note: 'A load test.' })
    expect(await Anomalies.reopen(ctx, { id })).toMatchObject({ status: 'active', closedAt: null, closedBy: null })
    expect((await Anomalies.list(ctx, { status: 'resolved' })).anomalies).toEqual([])
    await expect(Anomalies.ignore(ctx, { id: 'ano_none' })).rejects.toMatchObject({ code: 'not_found' })
  })

  const extra = (amounts: number[]) =>
    Object.fromEntries(amounts.map((amount, n) => [addDays('2026-10-25', n), amount]))

  test.each([
    [
      'grows much',
      [100, 0, 0, 50_000],
      [
        ['2026-10-28', '2026-10-28', 'active'],
        ['2026-10-25', '2026-10-27', 'resolved'],
      ],
    ],
    ['hardly grows', [100, 110, 105, 112], [['2026-10-25', '2026-10-28', 'resolved']]],
    ['goes on as it was', [100, 100, 100, 100], [['2026-10-25', '2026-10-28', 'resolved']]],
    ['grows on its own day', [140], [['2026-10-25', '2026-10-25', 'resolved']]],
  ])('a resolved anomaly that %s', async (_, amounts, expected) => {
    held = [series(ec2, extra([100]))]
    await run(ctx, settled)
    const { id } = await only()
    await Anomalies.resolve(ctx, { id })
    held = [series(ec2, extra(amounts))]
    for (let n = 0; n < 2; n++) {
      await run(ctx, settled)
      expect((await found()).map(({ startDate, endDate, status }) => [startDate, endDate, status])).toEqual(expected)
      expect(announced()).toHaveLength(expected.length)
    }
    await Anomalies.reopen(ctx, { id })
    await run(ctx, settled)
    expect((await only()).id).toBe(id)
    expect(announced()).toHaveLength(expected.length)
  })

  test('no excess is lost or counted twice, however often users close an anomaly that grows', async () => {
    const steps = fc.array(fc.record({ amount: fc.constantFrom(0, 90, 200, 900), closes: fc.boolean() }), {
      minLength: 2,
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const lake = await lakeOf(bills)
        lake.runtime.lake.query = async (name: string) => (name === 'costSeries' ? held : [])
        const own = { ...lake.ctx, now: () => new Date(now) }
        for (const [n, { closes }] of given.entries()) {
          held = [series(ec2, extra(given.slice(0, n + 1).map(({ amount }) => amount)))]
          await run(own, settled)
          const rows = await lake.runtime.tables.anomalies.all('org_test')
          const days = rows.flatMap(({ excess }) => excess.map(({ day }) => day))
          expect(new Set(days).size).toBe(days.length)
          held = [series(ec2, extra(given.slice(0, n + 1).map(({ amount }) => amount)))]
          const { anomalies } = await Anomalies.list(own, { status: 'active' })
          if (closes) for (const { id } of anomalies) await Anomalies.resolve(own, { id })
        }
        const closed = given.findIndex(({ amount, closes }) => amount > 0 && closes)
        const isJump = given.some(({ amount }, n) => n > closed && closed >= 0 && amount === 900)
        const before = given.slice(0, closed + 1).some(({ amount }) => amount === 900)
        if (isJump && !before)
          expect(lake.runtime.events.filter(({ name }) => name === 'anomaly.detected').length).toBeGreaterThan(1)
      }),
      { numRuns: 20 },
    )
  })

  test('an expected cost is ignored and not announced', async () => {
    await Expected.create(ctx, { startDate: '2026-10-27', endDate: '2026-10-30', service: 'EC2', note: 'Migration' })
    await run(ctx, settled)
    expect(await only()).toMatchObject({ status: 'ignored', note: 'Migration' })
    expect(announced()).toEqual([])
  })

  test.each([
    ['other days', { startDate: '2026-10-01', endDate: '2026-10-20' }],
    ['another service', { startDate: '2026-10-27', endDate: '2026-10-30', service: 'S3' }],
  ])('a mark of %s expects nothing', async (_, mark) => {
    await Expected.create(ctx, { ...mark, note: 'Other' })
    await run(ctx, settled)
    expect((await only()).status).toBe('active')
  })

  test('an anomaly that is ignored as yearly is expected a year later, give or take three days', async () => {
    await run(ctx, settled)
    const { id } = await only()
    await Anomalies.ignore(ctx, { id, expected: 'yearly' })
    const { expected } = await Expected.list(ctx, {})
    expect(expected).toMatchObject([
      { startDate: '2026-10-28', endDate: '2026-10-29', repeats: 'yearly', account: '1' },
    ])
    const facts = (day: string) =>
      ({
        dimensions: { provider: 'AWS', account: '1', service: 'EC2' },
        charged: 'usage',
        currency: 'USD',
        excess: [{ day, amount: 5 }],
        impact: 5,
      }) as never
    const isExpected = (day: string) => Expected.markOf(expected, facts(day)) !== undefined
    expect(['2027-10-25', '2027-11-01', '2028-10-28'].map(isExpected)).toEqual([true, true, true])
    expect(['2027-10-24', '2027-11-02', '2025-10-28'].map(isExpected)).toEqual([false, false, false])
  })
})

test('floors of the organization hide what is smaller', async () => {
  const organization = {
    id: 'org_test',
    anomalies: { sensitivity: 'medium', floorAmount: 1_000, floorPercent: 1, tagKeys: [] },
  }
  await runtime.tables.organizations.put('org_test', organization as never)
  await run(ctx, settled)
  expect(await found()).toEqual([])
})

test('however often costs change, each anomaly is announced once at most, and none is open without its costs', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(0, 40, 100, 300), { minLength: 1, maxLength: 6 }), async (amounts) => {
      const lake = await lakeOf(bills)
      lake.runtime.lake.query = async (name: string) =>
        name === 'costSeries' ? held : name === 'costShares' ? shares : []
      const own = { ...lake.ctx, now: () => new Date(now) }
      for (const amount of amounts) {
        held = grown(amount)
        await run(own, settled)
        const { anomalies } = await Anomalies.list(own, { status: 'active' })
        expect(anomalies.length).toBe(amount === 0 ? 0 : 1)
      }
      const ids = lake.runtime.events.filter(({ name }) => name === 'anomaly.detected').map(({ id }) => id)
      expect(ids.length).toBe(amounts.some((amount) => amount > 0) ? 1 : 0)
    }),
    { numRuns: 20 },
  )
})
