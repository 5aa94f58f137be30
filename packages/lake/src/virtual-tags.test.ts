import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Filter, Money, type Queries, type VirtualTag } from '@cloudoptima/core'
import { memoryRuntime } from '@cloudoptima/core/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLake } from './index.ts'
import { normalize } from './normalize.ts'
import { columns, csv, type Row } from './testing.ts'

let folder: string
let lake: ReturnType<typeof createLake>
const { blobs } = memoryRuntime()
const files = {
  costs: [] as string[],
  cost_rollup: [] as string[],
  resources: [],
  resource_changes: [],
  utilization: [],
}

const services = ['Amazon EC2', 'Amazon S3', "Amazon '; DROP"]
const accounts = ['111122223333', '444455556666', '']
const tags = ['{"Team":"blue"}', '{"Team":"red","Env":"live"}', '{"Env":"test"}', '']
const bill: Partial<Row>[] = services.flatMap((ServiceName, s) =>
  accounts.flatMap((SubAccountId, a) =>
    tags.map((Tags, t) => {
      // Every amount tells its row apart, to the last of 18 decimals.
      const cost = `${(s * 12 + a * 4 + t) ** 3}.000000000000000${String(s * 12 + a * 4 + t).padStart(3, '0')}`
      return { ServiceName, SubAccountId, Tags, EffectiveCost: cost, BilledCost: cost }
    }),
  ),
)
const total = Money.plain(Money.sum(bill.map(({ EffectiveCost = '' }) => Money.parse(EffectiveCost))))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-virtual-'))
  lake = createLake({ blobs, cacheDir: join(folder, 'cache') })
  const path = join(folder, 'bill.csv')
  await writeFile(path, csv(bill, columns))
  const options = { workDir: join(folder, 'work'), snapshotId: 'imp_test', memoryLimit: '500MB' }
  const { partitions } = await normalize([{ name: 'bill.csv', path }], options)
  for (const dataset of ['costs', 'cost_rollup'] as const) {
    const found = partitions.flatMap((partition) => partition.files[dataset])
    for (const key of found) await blobs.put('org', key.slice(1), await readFile(key))
    files[dataset] = found.map((key) => key.slice(1))
  }
})
afterAll(async () => {
  await lake.close()
  await rm(folder, { recursive: true, force: true })
})

const asked = { metric: 'effective', basis: 'charge', start: '2024-09-01', end: '2024-09-30', filters: [] } as const
const all = { ...asked, filters: [] as Filter[], previousStart: '2024-08-01' }

async function byTag(tagKey: string, virtualTags: readonly VirtualTag[], filters: Filter[] = []) {
  const parameters: Queries['costOverview']['parameters'] = { ...all, filters, groupBy: 'tag', tagKey, virtualTags }
  const rows = await lake.query('costOverview', { orgId: 'org', files, excluded: [] }, parameters)
  return new Map(rows.flatMap(({ part, key, cost }) => (part === 'dimension' ? [[key, cost] as const] : [])))
}

const sumOf = (costs: Iterable<string>) => Money.plain(Money.sum([...costs].map((cost) => Money.parse(cost))))
const service = (...values: string[]): Filter => ({ dimension: 'service', values })
const rule = (value: string, when: Filter[], overwrite = false): VirtualTag => ({ key: 'Team', value, when, overwrite })

test('the first rule that holds gives the value; the own value stays unless the rule overwrites it', async () => {
  const own = await byTag('Team', [])
  expect(new Set(own.keys())).toEqual(new Set(['blue', 'red', null]))
  const filled = await byTag('Team', [rule('storage', [service('Amazon S3')]), rule('rest', [])])
  expect([...filled.keys()].toSorted()).toEqual(['blue', 'red', 'rest', 'storage'])
  expect([filled.get('blue'), filled.get('red')]).toEqual([own.get('blue'), own.get('red')])
  const merged = await byTag('Team', [
    rule('color', [{ dimension: 'tag', tagKey: 'Team', values: ['blue', 'red'] }], true),
  ])
  expect(merged.get('color')).toBe(sumOf([own.get('blue') ?? '', own.get('red') ?? '']))
  expect(await byTag('Team', [rule('all', [], true)])).toEqual(new Map([['all', total]]))
})

test('a key that no bill has is a tag like any other', async () => {
  const found = await byTag('Product', [
    { key: 'Product', value: 'shop', when: [service('Amazon EC2')], overwrite: false },
  ])
  expect(new Set(found.keys())).toEqual(new Set(['shop', null]))
  expect(sumOf(found.values())).toBe(total)
})

const filter = fc.oneof(
  fc.record({ dimension: fc.constant('service' as const), values: fc.subarray(services, { minLength: 1 }) }),
  fc.record({
    dimension: fc.constant('account' as const),
    values: fc.subarray(['111122223333', '0012345678901'], { minLength: 1 }),
  }),
  fc.record({
    dimension: fc.constant('tag' as const),
    tagKey: fc.constantFrom('Team', 'Env', 'none'),
    values: fc.subarray(['blue', 'live'], { minLength: 1 }),
  }),
)
const nasty = fc.oneof(
  fc.constantFrom('blue', 'red', 'x', "'; DROP TABLE x; --", '$group_tag', '" OR 1=1', '{files}', '\\', '%', '🙂'),
  fc.string({ minLength: 1, maxLength: 12, unit: 'binary' }).filter((text) => !text.includes('\0')),
)
const rules = fc.array(
  fc.record({
    key: fc.constant('Team'),
    value: nasty,
    when: fc.array(filter, { maxLength: 3 }),
    overwrite: fc.boolean(),
  }),
  { maxLength: 6 },
)

test('for any rules the values sum to the total exactly, and each filter by a value finds its sum', async () => {
  await fc.assert(
    fc.asyncProperty(rules, async (virtualTags) => {
      const found = await byTag('Team', virtualTags)
      expect(sumOf(found.values())).toBe(total)
      const expected = new Set(['blue', 'red', null, ...virtualTags.map(({ value }) => value)])
      for (const key of found.keys()) expect(expected).toContain(key)
      for (const [value, cost] of [...found].slice(0, 3)) {
        if (value === null) continue
        const only: Filter = { dimension: 'tag', tagKey: 'Team', values: [value], virtualTags }
        expect(await byTag('Team', virtualTags, [only])).toEqual(new Map([[value, cost]]))
      }
    }),
    { numRuns: 40 },
  )
})

test('other questions apply the rules to their filters too', async () => {
  const virtualTags = [rule('storage', [service('Amazon S3')], true)]
  const filters: Filter[] = [{ dimension: 'tag', tagKey: 'Team', values: ['storage'], virtualTags }]
  const lakeFiles = { orgId: 'org', files, excluded: [] }
  const days = await lake.query('costByDay', lakeFiles, { ...all, filters })
  const previous = { previousStart: '2024-08-01', previousEnd: '2024-08-31' }
  const found = await lake.query('costByService', lakeFiles, { ...all, ...previous, filters })
  expect(found.map(({ service: name }) => name)).toEqual(['Amazon S3'])
  expect(found[0]?.current).toBe(sumOf(days.map(({ cost }) => cost)))
  expect(days.length).toBeGreaterThan(0)
})

const covered = async (wanted: Queries['tagCoverage']['parameters']['tags'], most = 100) =>
  await lake.query('tagCoverage', { orgId: 'org', files, excluded: [] }, { ...all, tags: wanted, most })

/** What the bill says, row by row. */
function expectedOf(key: string, allowedValues: readonly string[] | undefined) {
  const sums = new Map<string, string[]>()
  for (const { Tags = '', EffectiveCost = '' } of bill) {
    const value = Tags === '' ? undefined : (JSON.parse(Tags) as Record<string, string>)[key]
    const state = value === undefined ? 'missing' : (allowedValues?.includes(value) ?? true) ? 'allowed' : 'violating'
    sums.set(state, [...(sums.get(state) ?? []), EffectiveCost])
  }
  return new Map([...sums].map(([state, costs]) => [state, sumOf(costs)]))
}

test.each([
  ['Team', undefined],
  ['Team', ['blue']],
  ['Team', ['none']],
  ['Env', ['live', 'test']],
  ['absent', undefined],
] as const)('the coverage of %s with the allowed values %j is that of the bill', async (key, allowedValues) => {
  const rows = await covered([{ key, allowedValues }])
  const ofKey = rows.filter((row) => row.part === 'tag' && row.key === key)
  expect(new Map(ofKey.map(({ state, cost }) => [state, cost]))).toEqual(expectedOf(key, allowedValues))
  expect(sumOf(ofKey.map(({ cost }) => cost))).toBe(total)
  expect(rows.filter(({ part }) => part === 'total').map(({ cost }) => cost)).toEqual([total])
  const violating = expectedOf(key, allowedValues).get('violating') ?? '0'
  expect(sumOf(rows.filter(({ part }) => part === 'violation').map(({ cost }) => cost))).toBe(violating)
  const others = rows.filter(({ part }) => part === 'other').map((row) => [row.key, row.cost])
  const carried = ['Team', 'Env'].filter((name) => name !== key)
  expect(new Map(others as [string, string][])).toEqual(
    new Map(carried.map((name) => [name, expectedOf(name, undefined).get('allowed')])),
  )
})

test('a value of the bill that a rule overwrites is judged as it is on the bill', async () => {
  const virtualTags = [rule('blue', [service('Amazon S3')], true)]
  const rows = await covered([{ key: 'Team', allowedValues: ['blue'], virtualTags }])
  const costOf = (state: string) => rows.find((row) => row.part === 'tag' && row.state === state)?.cost
  const expected = expectedOf('Team', ['blue'])
  expect([costOf('allowed'), costOf('violating')]).toEqual([expected.get('allowed'), expected.get('violating')])
  const violations = rows.filter(({ part }) => part === 'violation').map(({ value, cost }) => [value, cost])
  expect(violations).toEqual([['red', expected.get('violating')]])
})

test('a virtual tag is a part of its own, and several tags are covered at once, the largest first', async () => {
  const virtualTags = [rule('shop', [service('Amazon S3')])]
  const rows = await covered([{ key: 'Team', allowedValues: ['blue'], virtualTags }, { key: 'Env' }], 1)
  const costOf = (key: string, state: string) =>
    rows.find((row) => row.part === 'tag' && row.key === key && row.state === state)?.cost
  const untagged = bill.filter(({ Tags = '' }) => !Tags.includes('Team'))
  const filled = untagged.filter(({ ServiceName }) => ServiceName === 'Amazon S3')
  expect(costOf('Team', 'virtual')).toBe(sumOf(filled.map(({ EffectiveCost = '' }) => EffectiveCost)))
  expect(costOf('Team', 'missing')).toBe(
    sumOf(untagged.filter((each) => !filled.includes(each)).map(({ EffectiveCost = '' }) => EffectiveCost)),
  )
  expect(costOf('Env', 'allowed')).toBe(expectedOf('Env', undefined).get('allowed'))
  expect(rows.filter(({ part }) => part === 'violation').map(({ value }) => value)).toEqual(['red'])
  expect(rows.filter(({ part }) => part === 'other')).toEqual([])
})
