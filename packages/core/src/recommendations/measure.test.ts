import { expect, test } from 'vitest'
import { lakeOf, snapshot } from '../testing/cost-lake.ts'
import { adviceIn } from '../testing/advice.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { measuredOf } from './measure.ts'

const day = (n: number) => new Date(Date.parse('2026-10-01T00:00:00.000Z') + n * 86_400_000).toISOString().slice(0, 10)
// The change came on day 31, 2026-11-01.
const changed = 31

/** Costs of each day until `last`: 10 before the change, 4 after it. */
async function measured(last: number, more: { status?: 'expired'; known?: number; isUnknown?: true } = {}) {
  const at = `${day(last + 2)}T06:00:00.000Z`
  const bills = ['2026-10', '2026-11', '2026-12'].map((period) => snapshot({ provider: 'AWS', period, at }))
  const { ctx } = await lakeOf(bills.map((bill) => ({ ...bill, days: { first: day(0), last: day(last) } })))
  const asked: unknown[] = []
  ctx.runtime.lake.query = async (_name, _files, parameters) => {
    asked.push(parameters)
    const { start, end } = parameters as { start: string; end: string }
    return Array.from({ length: last + 1 }, (_, n) => n)
      .filter((n) => day(n) >= start && day(n) <= end)
      .map((n) => ({ id: 'vol-1', day: day(n), currency: 'USD', cost: n < changed ? '10' : '4' })) as never
  }
  const advice = await adviceIn(ctx, { id: 'rec_1', saving: '100', resourceId: 'Vol-1' })
  const unknown = { ...advice, ...(advice.found && { found: { ...advice.found, saving: { basis: 'at most 100' } } }) }
  const row = more.isUnknown ? unknown : advice
  const info = { ...row, status: more.status ?? ('completed' as const), endedAt: `${day(changed)}T08:00:00.000Z` }
  const before = { at, monthly: '180', currency: 'USD' }
  const known = more.known === undefined ? {} : { measured: { ...before, days: more.known } }
  return {
    found: await measuredOf({ ...ctx, now: () => new Date(at) }, await Snapshot.view(ctx), { ...info, ...known }),
    asked,
  }
}

test('the saving that came is the daily cost before less that after, times 30', async () => {
  const { found, asked } = await measured(changed + 7)
  // (30 x 10 / 30 - 7 x 4 / 7) x 30
  expect(found).toMatchObject({ days: 7, monthly: '180', currency: 'USD' })
  expect(asked).toEqual([{ ids: ['vol-1'], start: day(changed - 30), end: day(changed + 7), byDay: true }])
})

test.each([
  ['before seven days are complete', changed + 6, {}],
  ['again before thirty days are', changed + 20, { known: 7 }],
  ['again after thirty days', changed + 40, { known: 30 }],
  ['of a snapshot, whose blocks others may need', changed + 30, { isUnknown: true as const }],
  ['of what was not followed', changed + 30, { status: 'expired' as const }],
])('nothing is measured %s', async (_, last, more) => {
  expect((await measured(last, more)).found).toBeUndefined()
})

test('after thirty days it is measured a last time, of these days only', async () => {
  expect((await measured(changed + 40, { known: 7 })).found).toMatchObject({ days: 30, monthly: '180' })
})
