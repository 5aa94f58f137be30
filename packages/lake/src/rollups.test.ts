import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, literal, open, rows } from './database.ts'
import { createRollups, type Rollups } from './rollups.ts'

const fileRows = 10
let folder: string
let database: Database

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-rollups-'))
  database = await open({ tempDir: folder, memoryLimit: '200MB' })
  for (let n = 0; n < 6; n++)
    await database.connection.run(`COPY (SELECT ${n} AS x FROM range(${fileRows})) TO ${literal(pathOf(n))}`)
})
afterAll(async () => {
  database.close()
  await rm(folder, { recursive: true, force: true })
})

const pathOf = (n: number) => join(folder, `${n}'s.parquet`)

/** The rows of these files by file, and whether they came from a table. */
async function ask(rollups: Rollups, orgId: string, files: readonly number[], hold = Promise.resolve()) {
  return await rollups.within(orgId, files.map(pathOf), async (from) => {
    await hold
    const found = await rows<{ x: number; n: string }>(
      await database.connect(),
      `SELECT x, count(*) AS n FROM ${from} GROUP BY ALL ORDER BY x`,
    )
    return { found: found.map(({ x, n }) => [x, Number(n)]), isTable: !from.includes('read_parquet') }
  })
}

const all = (files: readonly number[]) => [...new Set(files)].toSorted((a, b) => a - b).map((n) => [n, fileRows])
const tables = async () =>
  (await rows<{ n: string }>(database.connection, 'SELECT count(*) AS n FROM duckdb_tables()'))[0]?.n

test('files are read from a table from their second use on, and only those that are asked for', async () => {
  const rollups = createRollups(database.connection)
  expect(await ask(rollups, 'org', [0, 1])).toEqual({ found: all([0, 1]), isTable: false })
  expect(await ask(rollups, 'org', [0, 1])).toEqual({ found: all([0, 1]), isTable: true })
  expect(await ask(rollups, 'org', [1])).toEqual({ found: all([1]), isTable: true })
  expect(await ask(rollups, 'org', [1, 2])).toEqual({ found: all([1, 2]), isTable: false })
  expect(await ask(rollups, 'org', [1, 2])).toEqual({ found: all([1, 2]), isTable: true })
})

test('a question sees no file that is added before its query begins', async () => {
  const rollups = createRollups(database.connection)
  for (let n = 0; n < 2; n++) await ask(rollups, 'org', [0])
  await ask(rollups, 'org', [0, 3])
  const hold = Promise.withResolvers<void>()
  const early = ask(rollups, 'org', [0], hold.promise)
  expect(await ask(rollups, 'org', [0, 3])).toMatchObject({ isTable: true })
  hold.resolve()
  expect(await early).toEqual({ found: all([0]), isTable: true })
})

test('a table that is full begins anew, and is dropped after its last question', async () => {
  const rollups = createRollups(database.connection, 3 * fileRows)
  const before = Number(await tables())
  for (let n = 0; n < 2; n++) await ask(rollups, 'org', [0, 1, 2])
  await ask(rollups, 'org', [3])
  const hold = Promise.withResolvers<void>()
  const early = ask(rollups, 'org', [0, 1, 2], hold.promise)
  expect(await ask(rollups, 'org', [2, 3])).toEqual({ found: all([2, 3]), isTable: true })
  expect(Number(await tables())).toBe(before + 2)
  hold.resolve()
  expect(await early).toEqual({ found: all([0, 1, 2]), isTable: true })
  expect(Number(await tables())).toBe(before + 1)
})

test('the organization that asked longest ago gives way, and files that never fit stay files', async () => {
  const rollups = createRollups(database.connection, 3 * fileRows)
  for (const [orgId, files] of [
    ['a', [0]],
    ['b', [1]],
    ['a', [0]],
    ['c', [2, 3]],
  ] as const)
    for (let n = 0; n < 2; n++) await ask(rollups, orgId, files)
  const isTable = async (orgId: string, files: number[]) => (await ask(rollups, orgId, files)).isTable
  expect([await isTable('c', [2, 3]), await isTable('a', [0])]).toEqual([true, true])
  for (let n = 0; n < 2; n++) expect(await isTable('d', [0, 1, 2, 3])).toBe(false)
})

test('any questions of any organizations at once get exactly their files', async () => {
  const question = fc.record({
    orgId: fc.constantFrom('a', 'b', 'c'),
    files: fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { minLength: 1 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(question, { minLength: 1, maxLength: 4 }), { minLength: 1 }), async (rounds) => {
      const rollups = createRollups(database.connection, 4 * fileRows)
      for (const round of rounds) {
        const answers = await Promise.all(round.map(async ({ orgId, files }) => await ask(rollups, orgId, files)))
        expect(answers.map(({ found }) => found)).toEqual(round.map(({ files }) => all(files)))
      }
    }),
    { numRuns: 40 },
  )
})
