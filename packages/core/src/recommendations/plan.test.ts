import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Money from '../kernel/money.ts'
import { priceBook, recommend, type Subject } from '../rules/index.ts'
import { daysAgo, now, some, steady, usd } from '../rules/testing/subjects.ts'
import { planOf } from './plan.ts'
import type { Info } from './recommendation.ts'

const book = priceBook([], [])
const volume = some('aws', 'volume', { type: 'gp2', sizeGb: 100, cost: usd({ storage: '10 x 100' }) })
const unattached = volume({ id: 'vol-1', unchangedSince: daysAgo(40) })
const instance = some('aws', 'instance', {
  status: 'running',
  type: 'm5.large',
  configuration: { PlatformDetails: 'Linux/UNIX' },
  cost: usd({ compute: '70 x 730' }),
})

const cloudSql = some('gcp', 'database', {
  status: 'running',
  type: 'db-custom-2-7680',
  cost: usd({ compute: '98 x 730', storage: '17 x 100' }),
})

const all = new Set(['aws/account-1', 'azure/account-1', 'gcp/account-1'])

interface More {
  rows?: Info[]
  at?: Date
  isDismissed?: (rule: string) => boolean
  accounts?: Set<string>
  succeeded?: Set<string>
}

function plan(
  subjects: readonly Subject[],
  { rows = [], at = now, isDismissed = () => false, accounts = all, succeeded = new Set() }: More = {},
) {
  const advice = recommend(subjects, { now: at }, { book, isDismissed: ({ rule }) => isDismissed(rule) })
  return planOf({ orgId: 'org', at, rows, subjects, advice, accounts, succeeded })
}

function applied(rows: readonly Info[], { found, changed, judged }: ReturnType<typeof plan>): Info[] {
  const stored = JSON.parse(JSON.stringify([...changed, ...found])) as Info[]
  const ids = new Set([...stored, ...judged].map(({ id }) => id))
  return [...stored, ...rows.filter(({ id }) => !ids.has(id))]
}

const later = new Date(now.getTime() + 86_400_000)
const shown = (rows: readonly Info[]) =>
  rows.map(({ rule, status, endedBecause, isChosen }) => [
    rule,
    status,
    ...(endedBecause ? [endedBecause] : []),
    isChosen,
  ])

test('a finding is a row once, and keeps its identity while its figures change', () => {
  const first = plan([unattached])
  expect(shown(first.found)).toEqual([['aws-volume-unattached', 'active', true]])
  const rows = applied([], first)
  expect(plan([unattached], { rows })).toEqual({ found: [], changed: [], judged: [], leftOut: 0 })
  const dearer = { ...unattached, cost: usd({ storage: '12 x 120' }) }
  const { found, changed } = plan([dearer], { rows, at: later })
  expect(found).toEqual([])
  expect(changed).toMatchObject([
    {
      id: rows[0]?.id,
      foundAt: now.toISOString(),
      updatedAt: later.toISOString(),
      found: { saving: { amount: '12' } },
    },
  ])
})

const busy = { cpu: steady(90), network_in: steady(1e9), network_out: steady(1e9) }
const idle = { cpu: steady(1), network_in: steady(1e3), network_out: steady(1e3) }

const provisioned = (iops: number) =>
  volume({
    id: 'vol-3',
    type: 'io2',
    iops,
    attachedTo: 'i-1',
    status: 'in-use',
    utilization: { disk_operations: steady(300 * 3600) },
    cost: usd({ storage: '12.5 x 100', iops: '650 x 10000' }),
  })
const service = (desiredCount: number) =>
  some('aws', 'container_service', { type: 'FARGATE', status: 'active', cost: usd({ compute: '90 x 100' }) })({
    id: 'arn:service',
    configuration: { desiredCount },
    utilization: { cpu: steady(10), memory: steady(10) },
  })
const sized = (MemorySize: number) =>
  some('aws', 'function', { type: 'nodejs22.x', status: 'active', cost: usd({ compute: '90 x 100' }) })({
    id: 'arn:function',
    configuration: { MemorySize },
    utilization: {
      memory_used: steady(100e6),
      cpu_time: steady(10),
      duration: steady(1000),
      requests: steady(100),
    },
  })
const logs = (more: Record<string, unknown>) =>
  some('aws', 'log_group', { status: 'available', sizeGb: 100, cost: usd({ storage: '3 x 100' }) })({
    id: 'arn:logs',
    createdAt: daysAgo(400),
    configuration: more,
  })
const windows = (more: object) =>
  some('azure', 'instance', {
    type: 'Standard_D4s_v5',
    status: 'running',
    cost: usd({ compute: '140 x 730', license: '100 x 730' }),
    utilization: busy,
  })({ id: 'vm-1', configuration: { osType: 'Windows', ...more } })

test.each([
  ['a resource that is gone completes it', unattached, [], 'completed', 'The resource is gone.'],
  [
    'a volume that is used again has no reason',
    unattached,
    [{ ...unattached, attachedTo: 'i-1' }],
    'expired',
    'Its reason is gone.',
  ],
  [
    'an idle instance that was stopped completes it',
    instance({ id: 'i-1', utilization: idle }),
    [instance({ id: 'i-1', status: 'stopped' })],
    'completed',
    'The resource is stopped.',
  ],
  [
    'an idle Cloud SQL instance that was stopped completes it',
    cloudSql({ id: 'sql-1', utilization: { connections: steady(0) } }),
    [cloudSql({ id: 'sql-1', status: 'stopped' })],
    'completed',
    'The resource is stopped.',
  ],
  [
    'an instance that works again has no reason',
    instance({ id: 'i-1', utilization: idle }),
    [instance({ id: 'i-1', utilization: busy })],
    'expired',
    'Its reason is gone.',
  ],
  [
    'a type that was changed completes it',
    volume({ id: 'vol-2', attachedTo: 'i-1', status: 'in-use' }),
    [volume({ id: 'vol-2', attachedTo: 'i-1', status: 'in-use', type: 'gp3' })],
    'completed',
    'It is gp3 now.',
  ],
  [
    'another type than the recommended one does not follow it',
    volume({ id: 'vol-2', attachedTo: 'i-1', status: 'in-use' }),
    [volume({ id: 'vol-2', attachedTo: 'i-1', status: 'in-use', type: 'io2' })],
    'expired',
    'Its reason is gone.',
  ],
  [
    'the end of a resource that was to be changed does not follow it',
    volume({ id: 'vol-2', attachedTo: 'i-1', status: 'in-use' }),
    [],
    'expired',
    'The resource is gone.',
  ],
  ['lower operations follow it', provisioned(10_000), [provisioned(1000)], 'completed', 'iops is 1000 now.'],
  [
    'operations that are in use have no reason',
    provisioned(10_000),
    [{ ...provisioned(10_000), utilization: { disk_operations: steady(9000 * 3600) } }],
    'expired',
    'Its reason is gone.',
  ],
  ['less memory of a function follows it', sized(1769), [sized(128)], 'completed', 'MemorySize is 128 now.'],
  [
    'more memory of a function does not follow it',
    sized(1769),
    [{ ...sized(3008), utilization: {} }],
    'expired',
    'Its reason is gone.',
  ],
  ['fewer tasks follow it', service(6), [service(2)], 'completed', 'desiredCount is 2 now.'],
  ['a retention follows it', logs({}), [logs({ retentionInDays: 90 })], 'completed', 'retentionInDays is 90 now.'],
  [
    'Hybrid Benefit follows it',
    windows({}),
    [windows({ licenseType: 'Windows_Server' })],
    'completed',
    'licenseType is Windows_Server now.',
  ],
] as const)('%s', (_, before, after, status, reason) => {
  const rows = applied([], plan([before]))
  const { changed } = plan([...after], { rows, at: later })
  const active = rows.find((row) => row.status === 'active')
  const ended = changed.find(({ id }) => id === active?.id)
  expect(ended).toMatchObject({ status, endedBecause: reason, endedAt: later.toISOString() })
  const again = plan([...after], { rows: applied(rows, { found: [], changed, judged: [], leftOut: 0 }), at: later })
  expect(again.changed).toEqual([])
})

test('a recommendation whose execution succeeded is completed, whatever the inventory shows', () => {
  const bucket = (configuration: object) =>
    some('aws', 'bucket', { status: 'available' })({ id: 'arn:bucket', configuration: { ...configuration } })
  const [row] = applied([], plan([bucket({ LifecycleRules: [], BucketSizeBytes: { StandardStorage: 1e12 } })]))
  const scheduled = row ? [{ ...row, status: 'scheduled' as const, executionId: 'exe_1' }] : []
  const next = (succeeded: Set<string>) => plan([], { rows: scheduled, at: later, succeeded }).changed
  expect(next(new Set(['exe_1']))).toMatchObject([
    { id: row?.id, status: 'completed', endedBecause: 'The execution exe_1 succeeded.' },
  ])
  expect(next(new Set(['exe_2']))).toMatchObject([{ id: row?.id, status: 'expired' }])
})

test('what was found of an account that is not read any more is over, and comes back with the account', () => {
  const rows = applied([], plan([unattached]))
  const gone = plan([], { rows, at: later, accounts: new Set() })
  expect(shown(gone.changed)).toEqual([
    ['aws-volume-unattached', 'expired', 'Its account is not collected any more.', true],
  ])
  const back = plan([unattached], { rows: applied(rows, gone), at: later })
  expect(shown(back.changed)).toEqual([['aws-volume-unattached', 'active', true]])
  expect(back.changed[0]).not.toHaveProperty('endedAt')
})

test('a dismissed rule leaves the resource to the next one, and its row stays', () => {
  const rows = applied([], plan([unattached]))
  const next = plan([unattached], { rows, isDismissed: (rule) => rule === 'aws-volume-unattached' })
  expect(shown(next.changed)).toEqual([['aws-volume-unattached', 'active', false]])
  expect(shown(next.found)).toEqual([['aws-volume-gp2', 'active', true]])
})

test('a resource without enough data says once which, until it is judged', () => {
  const rows = applied([], plan([instance({ id: 'i-1' })]))
  const lacking = rows.filter(({ status }) => status === 'insufficient_data')
  expect(shown(lacking)).toEqual([['not-enough-data', 'insufficient_data', true]])
  expect(lacking[0]?.missing).toContain('cpu: no hour is known')
  expect(new Set(lacking[0]?.missing).size).toBe(lacking[0]?.missing.length)
  const judged = plan([instance({ id: 'i-1', utilization: busy, offHours: busy })], { rows })
  expect(shown(judged.judged)).toEqual(shown(lacking))
  expect(applied(rows, judged).filter(({ status }) => status === 'insufficient_data')).toEqual([])
})

const subjects = fc.array(
  fc.record({
    n: fc.integer({ min: 0, max: 9 }),
    kind: fc.constantFrom('volume', 'instance'),
    cost: fc.integer({ min: 1, max: 9000 }),
    isUsed: fc.boolean(),
  }),
  { maxLength: 12 },
)
const made = (given: readonly { n: number; kind: string; cost: number; isUsed: boolean }[]): Subject[] => [
  ...new Map(
    given.map(({ n, kind, cost, isUsed }): [string, Subject] => [
      `${kind}-${n}`,
      kind === 'volume'
        ? volume({
            id: `volume-${n}`,
            cost: usd({ storage: `${cost / 100} x 100` }),
            ...(isUsed ? { attachedTo: 'i-9', status: 'in-use' } : { unchangedSince: daysAgo(40) }),
          })
        : instance({
            id: `instance-${n}`,
            cost: usd({ compute: `${cost / 100} x 730` }),
            utilization: isUsed ? busy : idle,
          }),
    ]),
  ).values(),
]

test('after any series of inventories, a repeated analysis changes nothing, and a cost is saved once', () => {
  fc.assert(
    fc.property(fc.array(subjects, { minLength: 1, maxLength: 4 }), (inventories) => {
      let rows: Info[] = []
      for (const given of inventories) {
        const current = made(given)
        rows = applied(rows, plan(current, { rows }))
        expect(plan(current, { rows })).toEqual({ found: [], changed: [], judged: [], leftOut: 0 })
        expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length)
        const active = rows.filter(({ status, isChosen }) => status === 'active' && isChosen)
        const saved = Money.sum(active.map(({ found }) => Money.parse(found?.saving.amount ?? '0')))
        const spent = Money.sum(current.flatMap(({ cost }) => cost?.parts ?? []).map(({ cost }) => Money.parse(cost)))
        expect(saved.lte(spent)).toBe(true)
      }
    }),
    { numRuns: 60 },
  )
})

test('of two ways for a resource, the one that is not the best any more says so', () => {
  const rows = applied([], plan([unattached], { isDismissed: (rule) => rule === 'aws-volume-unattached' }))
  const kept = rows.filter(({ rule }) => rule === 'aws-volume-gp2')
  const { changed } = plan([unattached], { rows: kept, at: later })
  expect(shown(changed)).toEqual([['aws-volume-gp2', 'expired', 'Another way for the resource is better now.', true]])
})

test('what falls behind the number that is kept stays as it is', () => {
  const one = (n: number, cost: number) =>
    volume({ id: `vol-${n}`, unchangedSince: daysAgo(40), cost: usd({ storage: `${cost} x 100` }) })
  const all = Array.from({ length: 2001 }, (_, n) => one(n, 10 + n))
  const first = plan(all)
  expect([first.found.length, first.leftOut]).toEqual([2000, 1])
  const [last = { id: '' }] = first.found.slice(-1)
  const risen = all.map((subject, n) => (n === 0 ? one(0, 5000) : subject))
  const { found, changed } = plan(risen, { rows: applied([], first), at: later })
  expect(found.map(({ resources }) => resources[0]?.id)).toEqual(['vol-0'])
  expect(changed.map(({ id }) => id)).not.toContain(last.id)
})

test('a database whose version is to be upgraded stays, and the upgrade completes it', () => {
  const database = (EngineVersion: string) =>
    some('aws', 'database', { status: 'available', type: 'db.m5.large', cost: usd({ extended_support: '80 x 1460' }) })(
      {
        id: 'db-1',
        configuration: { Engine: 'mysql', EngineVersion },
      },
    )
  const rows = applied([], plan([database('5.7.44')]))
  const row = rows.find(({ rule }) => rule === 'aws-database-extended-support')
  expect(row?.found?.effect).toBe('changes')
  const { changed } = plan([database('8.4.3')], { rows, at: later })
  expect(changed.find(({ id }) => id === row?.id)).toMatchObject({
    status: 'completed',
    endedBecause: 'EngineVersion is 8.4.3 now.',
  })
})

test('a purchase that is not worth it any more has no reason, though its payer has no inventory', () => {
  const [row] = applied([], plan([unattached])).map((one) => ({
    ...one,
    accountId: 'payer',
    resources: [{ id: 'usage:m5', kind: 'commitment' as const, status: 'proposed' }],
    ...(one.found && { found: { ...one.found, effect: 'none' as const } }),
  }))
  expect(shown(plan([], { rows: row ? [row] : [], at: later }).changed)).toMatchObject([
    ['aws-volume-unattached', 'expired', 'Its reason is gone.', true],
  ])
})
