import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Queries, Rules } from '@cloudoptima/core'
import fc from 'fast-check'
import { memoryRuntime } from '@cloudoptima/core/testing'
import { createLake } from './index.ts'

let folder: string
let lake: ReturnType<typeof createLake>
const { blobs } = memoryRuntime()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-resources-'))
  lake = createLake({ blobs, cacheDir: folder })
})

afterAll(async () => {
  await lake.close()
  await rm(folder, { recursive: true })
})

/** Writes rows as one file of the lake. */
async function written(
  key: string,
  dataset: 'resources' | 'utilization',
  rows: readonly object[],
  more: { before?: string[]; kept?: string[] } = {},
): Promise<number> {
  const [source, path] = [join(folder, 'rows.jsonl'), join(folder, 'rows.parquet')]
  await writeFile(source, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  const count = await lake.writeRows(dataset, { orgId: 'org', source, path, before: [], kept: [], ...more })
  await blobs.put('org', key, await readFile(path))
  return count
}

const ask = async <Name extends keyof Queries>(
  name: Name,
  parameters: Queries[Name]['parameters'],
  files: Partial<Record<'resources' | 'utilization', string[]>>,
  excluded: { cloud: 'aws'; accountId: string }[] = [],
) => {
  const all = { costs: [], cost_rollup: [], resources: [], resource_changes: [], utilization: [], ...files }
  return await lake.query(name, { orgId: 'org', files: all, excluded }, parameters)
}

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

const page = { limit: 10, offset: 0 }

test('resources keep every field, are filtered by each, and are paged by id', async () => {
  const full = {
    aliases: ['arn:aws:ec2:i-2'],
    name: "it's; DROP",
    type: 'm7g.large',
    zone: 'eu-a',
    sizeGb: 12.5,
    iops: 3000,
    attachedTo: 'i-1',
    createdAt: '2026-01-01T00:00:00.000Z',
    tags: { 'a/b~c': 'x"y', team: 'blue' },
    configuration: { deep: [{ n: 1 }], text: '日本' },
  }
  const rows = [row('i-1'), row('i-2', full), row('vol-1', { kind: 'volume', region: 'us', status: 'available' })]
  expect(await written('r1', 'resources', rows)).toBe(3)
  const files = { resources: ['r1'] }
  const find = async (parameters: object) =>
    (await ask('resources', { kinds: ['instance', 'volume'], ...page, ...parameters }, files)).map(({ id }) => id)
  expect(await find({})).toEqual(['i-1', 'i-2', 'vol-1'])
  expect(await find({ limit: 1, offset: 1 })).toEqual(['i-2'])
  expect(await find({ kinds: ['volume'] })).toEqual(['vol-1'])
  expect(await find({ region: 'us' })).toEqual(['vol-1'])
  expect(await find({ status: 'running', provider: 'aws', accountId: '1' })).toEqual(['i-1', 'i-2'])
  expect(await find({ accountId: '2' })).toEqual([])
  expect(await find({ tags: [{ key: 'a/b~c', values: ['no', 'x"y'] }] })).toEqual(['i-2'])
  expect(
    await find({
      tags: [
        { key: 'team', values: ['blue'] },
        { key: 'a/b~c', values: ['no'] },
      ],
    }),
  ).toEqual([])
  expect(await find({ ids: ['arn:aws:ec2:i-2'] })).toEqual(['i-2'])
  const [found] = await ask('resources', { kinds: ['instance'], ids: ['i-2'], ...page }, files)
  expect(found).toMatchObject({ name: "it's; DROP", sizeGb: 12.5, iops: 3000, attachedTo: 'i-1', zone: 'eu-a' })
  expect([found?.tags, found?.configuration, found?.aliases].map((text) => JSON.parse(text ?? ''))).toEqual([
    full.tags,
    full.configuration,
    full.aliases,
  ])
  expect(await ask('resourceCount', { kinds: ['instance'] }, files)).toEqual([{ count: 2 }])
  expect(await ask('resources', { kinds: ['instance'], ...page }, files, [{ cloud: 'aws', accountId: '1' }])).toEqual(
    [],
  )
})

test('an inventory keeps the rows of parts that could not be read, and no others', async () => {
  await written('r2', 'resources', [row('i-1'), row('i-2', { part: 'ec2:instances/us' }), row('i-3')])
  const more = { before: ['r2'], kept: ['ec2:instances/us'] }
  expect(await written('r3', 'resources', [row('i-4')], more)).toBe(2)
  const found = await ask('resources', { kinds: ['instance'], ...page }, { resources: ['r3'] })
  expect(found.map(({ id }) => id)).toEqual(['i-2', 'i-4'])
  // A whole region that cannot be read.
  expect(await written('r5', 'resources', [], { before: ['r2'], kept: ['us'] })).toBe(1)
})

test('a resource whose tags the cloud did not answer keeps the last known ones', async () => {
  const tagsIn = async (key: string) =>
    (await ask('resources', { kinds: ['instance'], ...page }, { resources: [key] })).map(({ id, tags }) => [
      id,
      JSON.parse(tags ?? 'null'),
    ])
  const untagged = ['i-1', 'i-2', 'i-3'].map((id) => row(id, { tags: undefined }))
  const known = [row('i-1', { tags: { team: 'blue' } }), row('i-2')]
  await written('t1', 'resources', known)
  expect(await written('t2', 'resources', untagged, { before: ['t1'] })).toBe(3)
  expect(await tagsIn('t2')).toEqual([
    ['i-1', { team: 'blue' }],
    ['i-2', {}],
    ['i-3', null],
  ])
  await written(
    't3',
    'resources',
    known.map((each) => ({ ...each, tags: {} })),
    { before: ['t2'] },
  )
  expect((await tagsIn('t3'))[0]).toEqual(['i-1', {}])
  await written('t4', 'resources', untagged)
  expect((await tagsIn('t4'))[0]).toEqual(['i-1', null])
})

test('snapshots are counted by their volume', async () => {
  const snapshot = (id: string, attachedTo: string) => row(id, { kind: 'snapshot', attachedTo })
  await written('r4', 'resources', [snapshot('s-1', 'vol-1'), snapshot('s-2', 'vol-1'), snapshot('s-3', 'vol-2')])
  expect(await ask('snapshotCounts', { ids: ['vol-1', 'vol-9'] }, { resources: ['r4'] })).toEqual([
    { id: 'vol-1', count: 2 },
  ])
})

const value = (hour: number, metric: string, average: number, maximum: number) => ({
  provider: 'aws',
  accountId: '1',
  resourceId: 'I-1',
  metric,
  average,
  maximum,
  hour: `2026-11-28T0${hour}:00:00.000Z`,
})

test('a value of utilization that was read again wins, and the values that were not read stay', async () => {
  await written('u2', 'utilization', [value(0, 'cpu', 10, 50), value(1, 'cpu', 20, 90), value(0, 'memory', 5, 6)])
  const partial = [value(1, 'cpu', 30, 95), value(2, 'cpu', 40, 41)]
  expect(await written('u3', 'utilization', partial, { before: ['u2'] })).toBe(4)
  const rows = await ask('utilization', { ids: ['i-1'], byHour: true }, { utilization: ['u3'] })
  expect(rows.map(({ hour, metric, average }) => [hour?.slice(11, 13), metric, average])).toEqual([
    ['00', 'cpu', 10],
    ['00', 'memory', 5],
    ['01', 'cpu', 30],
    ['02', 'cpu', 40],
  ])
})

test('utilization is averaged over hours, or given for each, without regard to the case of an id', async () => {
  await written('u1', 'utilization', [value(0, 'cpu', 10, 50), value(1, 'cpu', 20, 90), value(0, 'memory', 5, 6)])
  const files = { utilization: ['u1'] }
  expect(await ask('utilization', { ids: ['i-1'], byHour: false }, files)).toEqual([
    { id: 'i-1', hour: null, metric: 'cpu', average: 15, maximum: 90, hours: 2 },
    { id: 'i-1', hour: null, metric: 'memory', average: 5, maximum: 6, hours: 1 },
  ])
  expect(await ask('utilization', { ids: ['i-1'], byHour: true }, files)).toHaveLength(3)
})

test('levels of utilization are those that the rules define', async () => {
  const start = Date.parse('2026-11-02T00:00:00.000Z')
  const total = 14 * 24
  const at = (hour: number) => new Date(start + hour * 3_600_000).toISOString()
  const all = Array.from({ length: total }, (_, hour) => hour)
  const off = all.filter((hour) => Rules.isOffHour(at(hour), 'America/New_York'))
  const offHours = JSON.stringify(off.map(at))
  const window = { start: at(0), end: at(total), hours: total, offHours, knownShare: Rules.knownShare }
  let n = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.tuple(
          fc.boolean(),
          fc.double({ min: 0, max: 100, noNaN: true }),
          fc.double({ min: 0, max: 9, noNaN: true }),
        ),
        { minLength: total, maxLength: total },
      ),
      fc.option(fc.integer({ min: 1, max: total }), { nil: undefined }),
      async (given, ran) => {
        const known = given.flatMap(([isKnown, average, more], hour) =>
          isKnown ? [{ hour, average, maximum: average + more }] : [],
        )
        const lines = known.map(({ hour, ...values }) => ({ ...value(0, 'cpu', 0, 0), hour: at(hour), ...values }))
        const key = `levels${n++}`
        await written(key, 'utilization', lines)
        const expected = JSON.stringify(ran === undefined ? [] : [{ id: 'i-1', all: ran, off: ran }])
        const parameters = { ...window, expected, bucket: 0, buckets: 1 }
        const found = await ask('utilizationLevels', parameters, { utilization: [key] })
        const wanted = [0, 1].flatMap((isOff) => {
          const own = known.filter(({ hour }) => isOff === 0 || off.includes(hour))
          const summary = Rules.summarize(own, ran ?? (isOff === 0 ? total : off.length))
          return summary ? [{ id: 'i-1', metric: 'cpu', off: isOff, p99: null, peakP99: null, ...summary }] : []
        })
        const near = (row: object) =>
          Object.fromEntries(
            Object.entries(row).map(([name, one]) => [name, name === 'average' ? Number(one).toFixed(9) : one]),
          )
        expect(found.map(near)).toEqual(wanted.map(near))
      },
    ),
    { numRuns: 25 },
  )
})

test('levels of all buckets are those of all resources', async () => {
  const ids = Array.from({ length: 30 }, (_, index) => `I-${index}`)
  const lines = ids.map((resourceId) => ({ ...value(1, 'cpu', 5, 6), resourceId }))
  await written('buckets', 'utilization', lines)
  const window = { start: '2026-11-28', end: '2026-11-29', hours: 24, offHours: '[]', knownShare: 0.9, expected: '[]' }
  const found = await Promise.all(
    [0, 1, 2].map((bucket) =>
      ask('utilizationLevels', { ...window, bucket, buckets: 3 }, { utilization: ['buckets'] }),
    ),
  )
  expect(found.every((rows) => rows.length < 60)).toBe(true)
  expect(new Set(found.flat().map(({ id }) => id))).toEqual(new Set(ids.map((id) => id.toLowerCase())))
})
