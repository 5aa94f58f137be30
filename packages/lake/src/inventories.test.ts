import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryRuntime } from '@cloudoptima/core/testing'
import { createLake } from './index.ts'

let folder: string
let lake: ReturnType<typeof createLake>
const { blobs } = memoryRuntime()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-inventories-'))
  lake = createLake({ blobs, cacheDir: folder })
})

afterAll(async () => {
  await lake.close()
  await rm(folder, { recursive: true })
})

const row = (id: string, more: object = {}) => ({
  id,
  provider: 'aws',
  accountId: '1',
  part: 'ec2:instances/eu',
  kind: 'instance',
  status: 'running',
  region: 'eu',
  tags: {},
  configuration: {},
  takenAt: '2026-11-28T08:00:00.000Z',
  ...more,
})

let files = 0

async function stored(path: string): Promise<string> {
  const key = `file-${files++}`
  await blobs.put('org', key, await readFile(path))
  return key
}

/** A local inventory. */
async function inventory(rows: readonly object[]): Promise<string> {
  const [source, path] = [join(folder, 'rows.jsonl'), join(folder, `inventory-${files++}.parquet`)]
  await writeFile(source, rows.map((each) => `${JSON.stringify(each)}\n`).join(''))
  await lake.writeRows('resources', { orgId: 'org', source, path, before: [], kept: [] })
  return path
}

async function compared(
  before: readonly object[],
  after: readonly object[],
  { at = '2026-11-28T09:00:00.000Z', since = '', changes = [] as string[] } = {},
) {
  const path = join(folder, `changes-${files++}.parquet`)
  const found = await lake.compareResources({
    orgId: 'org',
    before: [await stored(await inventory(before))],
    after: await inventory(after),
    at,
    foundBefore: '2026-11-27T07:00:00.000Z',
    changes,
    since,
    path,
  })
  return { ...found, key: found.isSame ? '' : await stored(path) }
}

async function asked(
  key: string,
  more: { ids?: string[]; named?: string[]; start?: string; end?: string; limit?: number } = {},
) {
  const all = { costs: [], cost_rollup: [], resources: [], resource_changes: [key], utilization: [] }
  const parameters = { start: '', end: '3000', limit: 1000, ...more }
  return await lake.query('resourceChanges', { orgId: 'org', files: all, excluded: [] }, parameters)
}

const volume = { kind: 'volume', status: 'available', type: 'gp2', sizeGb: 10, iops: 100 }

test.each<[string, object[], object[], unknown[]]>([
  ['a new resource is started', [], [row('i-1')], [['started', null, 'running']]],
  [
    'one that is older than the last inventory is found',
    [],
    [row('i-1', { createdAt: '2026-11-01T00:00:00.000Z' })],
    [['found', null, 'running']],
  ],
  ['a new one that is stopped is found', [], [row('i-1', { status: 'stopped' })], [['found', null, 'stopped']]],
  ['a stopped one is stopped', [row('i-1')], [row('i-1', { status: 'stopped' })], [['stopped', 'running', 'stopped']]],
  [
    'one that runs again is started, however old',
    [row('i-1', { status: 'stopped' })],
    [row('i-1', { createdAt: '2026-11-01T00:00:00.000Z' })],
    [['started', 'stopped', 'running']],
  ],
  ['one that is gone is ended', [row('i-1')], [], [['ended', 'running', null]]],
  [
    'one that is terminated is ended',
    [row('i-1')],
    [row('i-1', { status: 'terminated' })],
    [['ended', 'running', 'terminated']],
  ],
  ['one that was terminated and is gone is no change', [row('i-1', { status: 'terminated' })], [], []],
  ['a moved state of work is no change', [row('v', volume)], [row('v', { ...volume, status: 'in-use' })], []],
  ['the case of an id is no change', [row('/Sub/VM')], [row('/sub/vm')], []],
  [
    'a bucket that grows is no change',
    [row('b', { ...volume, kind: 'bucket' })],
    [row('b', { ...volume, kind: 'bucket', sizeGb: 11 })],
    [],
  ],
  ['an unknown size is no change', [row('v', volume)], [row('v', { ...volume, sizeGb: undefined })], []],
])('%s', async (_, before, after, expected) => {
  const { key, counts, rows } = await compared(
    [...before, row('other')],
    [...after, row('other', { takenAt: '2026', configuration: { n: 1 } })],
  )
  const found = await asked(key)
  const status = (json: string | null) => (json === null ? null : (JSON.parse(json) as { status: string }).status)
  expect(found.map(({ change, earlier, later }) => [change, status(earlier), status(later)])).toEqual(expected)
  expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(expected.length)
  expect(rows).toBe(expected.length)
})

test('a disk that is detached or attached elsewhere is a change', async () => {
  const { key, counts } = await compared(
    [row('a', { ...volume, attachedTo: 'i-1' }), row('b', { ...volume, attachedTo: 'i-1' }), row('c', volume)],
    [row('a', volume), row('b', { ...volume, attachedTo: 'i-2' }), row('c', volume)],
  )
  expect(counts).toEqual({ attached: 1, detached: 1 })
  const found = await asked(key)
  expect(found.map(({ id, change, earlier, later }) => [id, change, earlier, later])).toEqual([
    ['a', 'detached', '{"attached_to":"i-1"}', '{"attached_to":null}'],
    ['b', 'attached', '{"attached_to":"i-1"}', '{"attached_to":"i-2"}'],
  ])
})

test('sizes and tags are changes of their own, with both sides', async () => {
  const { key, counts, resources } = await compared(
    [row('v', { ...volume, tags: { team: 'blue' } })],
    [row('v', { ...volume, type: 'gp3', iops: 3000, tags: { team: 'red' } })],
  )
  expect(counts).toEqual({ resized: 1, retagged: 1 })
  expect(resources).toEqual([
    { id: 'v', change: 'resized' },
    { id: 'v', change: 'retagged' },
  ])
  const found = await asked(key)
  expect(found.map(({ earlier, later }) => [earlier, later].map((json) => JSON.parse(json ?? '')))).toEqual([
    [
      { type: 'gp2', size_gb: 10, iops: 100 },
      { type: 'gp3', size_gb: 10, iops: 3000 },
    ],
    [{ team: 'blue' }, { team: 'red' }],
  ])
  expect(found[0]).toMatchObject({
    id: 'v',
    provider: 'aws',
    accountId: '1',
    kind: 'volume',
    at: '2026-11-28T09:00:00.000Z',
  })
})

test('changes are asked by the ends of ids, and commitments come along, however many others there are', async () => {
  const many = Array.from({ length: 1_200 }, (_, n) => row(`arn:aws:ec2:eu:1:instance/i-${n}`))
  const { key } = await compared([row('sp-1', { kind: 'commitment' })], [...many, row('/Disks/Data')])
  const found = async (named: string[]) => (await asked(key, { named })).map(({ id }) => id)
  expect(await found(['i-1199', 'data', 'disks'])).toEqual(['/Disks/Data', 'arn:aws:ec2:eu:1:instance/i-1199', 'sp-1'])
  expect(await found([])).toEqual(['sp-1'])
  expect(await asked(key)).toHaveLength(1_000)
})

test('two inventories that differ only in their time, order or repetition of nothing are the same', async () => {
  const rows = [row('a'), row('b')]
  expect(
    await compared(
      rows,
      rows.toReversed().map((each) => ({ ...each, takenAt: '2026-11-29' })),
    ),
  ).toMatchObject({ isSame: true })
  expect(await compared(rows, [...rows, row('b')])).toMatchObject({ isSame: false, counts: {} })
})

test('earlier changes are kept until they are too old, and asked by resource and by time', async () => {
  const first = await compared([], [row('A-1')], { at: '2026-08-01T00:00:00.000Z' })
  const second = await compared([], [row('a-2')], { at: '2026-08-02T00:00:00.000Z', changes: [first.key] })
  const at = async (key: string, more = {}) => (await asked(key, more)).map(({ id }) => id)
  expect(second.rows).toBe(2)
  expect(await at(second.key)).toEqual(['a-2', 'A-1'])
  expect(await at(second.key, { ids: ['a-1'] })).toEqual(['A-1'])
  expect(await at(second.key, { start: '2026-08-01T00:00:00.001Z' })).toEqual(['a-2'])
  expect(await at(second.key, { end: '2026-08-02T00:00:00.000Z' })).toEqual(['A-1'])
  expect(await at(second.key, { limit: 1 })).toEqual(['a-2'])
  const third = await compared([row('a-3')], [], { since: '2026-08-02T00:00:00.000Z', changes: [second.key] })
  expect(await at(third.key)).toEqual(['a-3', 'a-2'])
})

test('at most 100 resources are named, of each change in turn, and all are counted', async () => {
  const many = Array.from({ length: 150 }, (_, n) => row(`i-${String(n).padStart(3, '0')}`))
  const { counts, resources } = await compared([row('old-1'), row('old-2')], many)
  expect(counts).toEqual({ started: 150, ended: 2 })
  expect(resources).toHaveLength(100)
  expect(resources.filter(({ change }) => change === 'ended').map(({ id }) => id)).toEqual(['old-1', 'old-2'])
})

test('many changes of tags do not push out an earlier change of state', async () => {
  const detached = await compared([row('v', { ...volume, attachedTo: 'i-1' })], [row('v', volume)], {
    at: '2026-11-01T00:00:00.000Z',
  })
  const tagged = (team: string) => Array.from({ length: 50_000 }, (_, n) => row(`i-${n}`, { tags: { team } }))
  const { key, rows } = await compared(tagged('blue'), tagged('red'), { changes: [detached.key] })
  expect(rows).toBe(50_000)
  expect((await asked(key, { ids: ['v'] })).map(({ change }) => change)).toEqual(['detached'])
})
