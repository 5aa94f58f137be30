import { expect, test, vi } from 'vitest'
import { allRules } from '../rules/index.ts'
import { executionIn } from '../testing/execution.ts'
import { charge, detached, fleetWorld as world, resource } from '../testing/fleet.ts'
import { advise } from './advise.ts'
import { dismiss, list, reopen } from './recommendations.ts'
import { neededParts, subjectsOf } from './subjects.ts'

test('a charge belongs to the resource of its account and id; a name is not taken from another resource', async () => {
  const { ctx } = await world({
    resources: [
      resource('orders', { kind: 'bucket' }),
      resource('arn:aws:rds:db:orders', { kind: 'database', aliases: '["orders"]' }),
      resource('vol-1', { accountId: '2' }),
      resource('vol-2', { aliases: '["arn:vol-2"]' }),
    ],
    charges: [charge('orders', '500'), charge('vol-1', '70'), charge('arn:vol-2', '9')],
  })
  const costs = (await subjectsOf(ctx)).subjects.map(({ id, cost }) => [id, cost?.parts.map((part) => part.cost)])
  expect(costs).toEqual([
    ['orders', ['500']],
    ['arn:aws:rds:db:orders', undefined],
    ['vol-1', undefined],
    ['vol-2', ['9']],
  ])
})

test('each kind whose lack a rule finds has the names of the APIs that read it', () => {
  const needed = new Set(allRules.flatMap(({ needs = [] }) => needs))
  expect([...needed].filter((kind) => !neededParts.some(([known]) => known === kind))).toEqual([])
})

test('a recommendation is announced once, when it saves enough and nobody dismissed its rule', async () => {
  const { ctx, found, given } = await world({
    resources: [resource('vol-1'), resource('vol-2')],
    charges: [charge('vol-1', '50'), charge('vol-2', '9.99')],
    changes: [detached('vol-1'), detached('vol-2')],
  })
  await advise(ctx)
  expect(found()).toBe(1)
  await advise(ctx)
  given.charges[1] = charge('vol-2', '500')
  await advise(ctx)
  expect(found()).toBe(2)
  const [largest] = (await list(ctx, {})).recommendations
  // Nobody knows the price of the snapshot that stays.
  const saves = { estimatedSavingsMonthly: 500, savingsAreAtMost: true }
  expect(largest).toMatchObject({ ...saves, rule: 'aws-volume-unattached' })
  const { id = '' } = largest ?? {}
  await dismiss(ctx, { id, reason: 'kept' })
  await advise(ctx)
  await reopen(ctx, { id })
  await advise(ctx)
  expect(found()).toBe(2)
})

test('of an account whose changes were cut nobody knows since when a volume is unattached', async () => {
  const retagged = { ...detached('vol-9'), change: 'retagged' as const }
  const { ctx } = await world({
    resources: [resource('vol-1')],
    charges: [charge('vol-1', '50')],
    changes: Array.from({ length: 50_000 }, () => retagged),
  })
  await ctx.tables.cloudAccounts.put(ctx.orgId, {
    id: 'acc_1',
    provider: 'aws',
    accountId: '1',
    createdAt: '2026-01-01T00:00:00.000Z',
  } as never)
  expect((await subjectsOf(ctx)).subjects[0]).not.toHaveProperty('unchangedSince')
})

test('what an execution followed is completed, once the inventory shows that it did', async () => {
  const { ctx, given } = await world({
    resources: [resource('vol-1')],
    charges: [charge('vol-1', '50')],
    changes: [detached('vol-1')],
  })
  await advise(ctx)
  const id = (await list(ctx, {})).recommendations[0]?.id ?? ''
  const { id: executionId } = await executionIn(ctx, { status: 'succeeded', recommendationId: id })
  await ctx.tables.recommendations.update(ctx.orgId, id, (row) => ({ ...row, status: 'scheduled', executionId }))
  const statusOf = async () => (await ctx.tables.recommendations.get(ctx.orgId, id))?.status
  await advise(ctx)
  expect(await statusOf()).toBe('scheduled')
  // Reads as used: only the execution tells that the advice was followed.
  given.resources[0] = resource('vol-1', { attachedTo: 'i-1', status: 'in-use' })
  await advise(ctx)
  expect(await ctx.tables.recommendations.get(ctx.orgId, id)).toMatchObject({
    status: 'completed',
    endedBecause: `The execution ${executionId} succeeded.`,
  })
})

test('savings in several currencies are ordered by their worth', async () => {
  const { ctx } = await world({
    resources: [resource('vol-yen'), resource('vol-dollar')],
    // A dollar is more than 100 yen.
    charges: [charge('vol-yen', '5000', { currency: 'JPY' }), charge('vol-dollar', '100')],
    changes: [detached('vol-yen'), detached('vol-dollar')],
  })
  await advise(ctx)
  for (const sortBy of ['priority', 'savings'] as const) {
    const { recommendations } = await list(ctx, { sortBy })
    const shown = recommendations.map((each) => [each.affectedResources[0]?.id, each.estimatedSavingsMonthlyExact])
    expect(shown).toEqual([
      ['vol-dollar', '100'],
      ['vol-yen', '5000'],
    ])
  }
})

test('a machine that ran for less than 30 hours of the window is not judged by its use', async () => {
  const idle = (id: string, hours: number) =>
    (['cpu', 'network_in', 'network_out'] as const).map((metric) => ({
      id,
      metric,
      off: 0 as const,
      average: 1,
      p99: 1,
      peakP99: 1,
      maximum: 1,
      hours,
      hoursExpected: hours,
    }))
  const machine = (id: string) => resource(id, { kind: 'instance', type: 'm99.large', status: 'running' })
  const { ctx } = await world({
    resources: [machine('i-today'), machine('i-office')],
    charges: [charge('i-today', '9'), charge('i-office', '30')],
    utilization: [...idle('i-today', 10), ...idle('i-office', 120)],
  })
  await advise(ctx)
  const idOf = ({ affectedResources }: { affectedResources: { id: string }[] }) => affectedResources[0]?.id
  expect((await list(ctx, { rule: 'aws-instance-idle' })).recommendations.map(idOf)).toEqual(['i-office'])
  const [lacking] = (await list(ctx, { status: 'insufficient_data', resourceId: 'i-today' })).recommendations
  expect(lacking?.missing).toContain('cpu: 10 of 10 hours are known, 30 are needed')
})

test('a commitment of Google Cloud has the use that its billing account tells by region and series', async () => {
  const cores = { type: 'GENERAL_PURPOSE_N2', resources: [{ type: 'VCPU', amount: '10' }] }
  const common = { payer: '01AAAA', region: 'us-central1', unit: 'Hours', currency: 'USD', accounts: '["1"]' }
  const { ctx } = await world({
    resources: [
      resource('n2-one-year', {
        provider: 'gcp',
        kind: 'commitment',
        type: 'TWELVE_MONTH',
        status: 'active',
        region: 'us-central1',
        configuration: JSON.stringify(cores),
      }),
    ],
    charges: [],
    committed: [
      { ...common, meter: 'Commitment v1: N2 Cpu in Iowa for 1 Year', fee: 1, quantity: '7440', cost: '148.8' },
      { ...common, meter: 'N2 Instance Core running in Iowa', fee: 0, quantity: '5580', cost: '0' },
    ],
  })
  expect((await subjectsOf(ctx)).subjects[0]).toMatchObject({
    unused: { cores: 25 },
    cost: {
      currency: 'USD',
      parts: [
        { part: 'commitment', cost: '108' },
        { part: 'commitment_unused', cost: '36' },
      ],
    },
  })
})

test('the cost of a commitment is that of the last complete month', async () => {
  const { ctx } = await world({
    resources: [resource('arn:RI-1', { kind: 'commitment', type: 'm5.large', status: 'active' })],
    charges: [],
    commitments: [
      { id: 'arn:ri-1', provider: 'AWS', currency: 'USD', used: '310', unused: '0', purchased: '62' },
      { id: 'arn:ri-1', provider: 'AWS', currency: 'EUR', used: '1', unused: '0', purchased: '1' },
    ],
  })
  const query = vi.spyOn(ctx.runtime.lake, 'query')
  expect((await subjectsOf(ctx)).subjects[0]?.cost).toEqual({
    currency: 'USD',
    parts: [
      { part: 'commitment', cost: '300' },
      { part: 'commitment_unused', cost: '60' },
    ],
  })
  expect(query).toHaveBeenCalledWith('commitmentCosts', expect.anything(), { start: '2026-10-01', end: '2026-10-31' })
})
