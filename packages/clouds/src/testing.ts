import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Money } from '@cloudoptima/core'
import { openEstate, restatementCredit } from '@cloudoptima/sample'
import type { Row } from '@cloudoptima/sample/testing'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type CloudsOptions, type SimulatedClouds, startClouds } from './start.ts'

const start = new Date('2026-11-26T12:00:00Z')

/** The clouds of a test file; each test begins at noon of 26 November 2026, without faults. */
export function simulatedClouds(size: Pick<CloudsOptions, 'seed' | 'rows' | 'months'>) {
  let started: SimulatedClouds | undefined
  const world = {
    now: start,
    dir: '',
    get clouds() {
      if (!started) throw new Error('The clouds run from the first test on')
      return started
    },
  }
  beforeAll(async () => {
    world.dir = await mkdtemp(join(tmpdir(), 'cloudoptima-clouds-'))
    started = await startClouds({ dir: join(world.dir, 'clouds'), now: () => world.now, ...size })
  })
  afterEach(() => {
    world.now = start
    world.clouds.faults.calls = []
    world.clouds.faults.bills = {}
  })
  afterAll(async () => {
    await started?.close()
    await rm(world.dir, { recursive: true, force: true })
  })
  return world
}

/** The ids, in lower case, of resources that changed since midnight, which bills show tomorrow only. */
export function changedToday(
  size: Required<Pick<CloudsOptions, 'seed' | 'rows' | 'months'>>,
  ...names: Parameters<typeof openEstate>[0][]
): Set<string> {
  const hour = start.getTime() / 3_600_000
  const today = start.toISOString().slice(0, 10)
  const resources = names.flatMap((name) => openEstate(name, { ...size, today }).resources)
  const changed = resources.filter(
    ({ fieldsAt }) => JSON.stringify(fieldsAt(hour)) !== JSON.stringify(fieldsAt(hour - 13)),
  )
  return new Set(changed.map(({ fields }) => fields.ResourceId?.toLowerCase() ?? ''))
}

/** By the first days: the last row of a resource says how it is now. */
export function byDay<Any extends Record<string, string | null>>(rows: readonly Any[]): Any[] {
  const dayOf = (row: Any) => row['ChargePeriodStart'] ?? ''
  return rows.toSorted((a, b) => dayOf(a).localeCompare(dayOf(b)))
}

export function total(rows: readonly Row[], column = 'BilledCost'): string {
  return Money.plain(Money.sum(rows.map((row) => Money.parse(row[column] ?? ''))))
}

interface Bills {
  deliveries: { period: string; version: string }[]
  fetched(period: string): Promise<Row[]>
}

/** Of an export in FOCUS: bills that grow, are restated and gain a column. */
export function testChanges(world: ReturnType<typeof simulatedClouds>, bills: () => Promise<Bills>, restated: RegExp) {
  const onLastDay = (row: Row) => row['ChargePeriodStart'] === '2026-11-26T00:00:00Z'

  test('grow by the day; a closed month stays as it is', async () => {
    const before = await bills()
    const [november, october] = [await before.fetched('2026-11'), await before.fetched('2026-10')]
    world.now = new Date('2026-11-27T12:00:00Z')
    const after = await bills()
    expect(november.filter(onLastDay)).toEqual([])
    expect((await after.fetched('2026-11')).filter(onLastDay).length).toBeGreaterThan(20)
    expect(after.deliveries[0]?.version).not.toBe(before.deliveries[0]?.version)
    expect(after.deliveries[1]?.version).toBe(before.deliveries[1]?.version)
    expect(await after.fetched('2026-10')).toEqual(october)
    world.now = new Date('2026-12-02T12:00:00Z')
    const later = await bills()
    expect(later.deliveries.map(({ period }) => period)).toEqual(['2026-12', '2026-11', '2026-10'])
    const invoices = new Set((await later.fetched('2026-11')).map((row) => row['InvoiceId']))
    expect([invoices.size, invoices.has('')]).toEqual([1, false])
  })

  test('of a restated month have another version and sum', async () => {
    const before = await bills()
    const sum = Money.parse(total(await before.fetched('2026-10')))
    world.clouds.faults.bills['2026-10'] = { restatements: 2 }
    await expect(before.fetched('2026-10')).rejects.toThrow(restated)
    const after = await bills()
    expect(after.deliveries[1]?.version).not.toBe(before.deliveries[1]?.version)
    expect(total(await after.fetched('2026-10'))).toBe(Money.plain(sum.plus(Money.parse(restatementCredit).times(2))))
  })

  test('of a late day lack a part of its usage, which comes days after', async () => {
    const whole = await (await bills()).fetched('2026-11')
    world.clouds.faults.bills['2026-11'] = { lateDays: ['2026-11-20'] }
    const late = await (await bills()).fetched('2026-11')
    const usageOn = (rows: Row[], day: string) =>
      rows.filter((row) => row['ChargeCategory'] === 'Usage' && row['ChargePeriodStart']?.startsWith(day)).length
    expect(usageOn(late, '2026-11-19')).toBe(usageOn(whole, '2026-11-19'))
    expect(usageOn(late, '2026-11-20')).toBeLessThan(usageOn(whole, '2026-11-20'))
    expect(usageOn(late, '2026-11-20')).toBeGreaterThan(0)
    world.now = new Date('2026-11-28T12:00:00Z')
    world.clouds.faults.bills = {}
    const after = await (await bills()).fetched('2026-11')
    expect(usageOn(after, '2026-11-20')).toBe(usageOn(whole, '2026-11-20'))
  })

  test('may gain a column', async () => {
    const before = await (await bills()).fetched('2026-11')
    world.clouds.faults.bills['2026-11'] = { columns: ['x_Carbon'] }
    const after = await (await bills()).fetched('2026-11')
    expect([before[0]?.['x_Carbon'], after[0] && 'x_Carbon' in after[0]]).toEqual([undefined, true])
    expect(after.some((row) => row['x_Carbon'] === 'Carbon of a resource')).toBe(true)
    expect(total(after)).toBe(total(before))
  })
}
