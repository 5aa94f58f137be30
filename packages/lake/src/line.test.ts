import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, open } from './database.ts'
import { createLine, type Line } from './line.ts'

let folder: string
let database: Database
let line: Line

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-line-'))
  database = await open({ tempDir: folder, memoryLimit: '100MB' })
  line = createLine(await database.connect())
})
afterAll(async () => {
  line.close()
  database.close()
  await rm(folder, { recursive: true, force: true })
})

const sum =
  'SELECT CAST(sum(CAST(cost AS DECIMAL(38, 18))) AS VARCHAR) AS cost FROM (VALUES ($first), ($second)) AS costs(cost)'

test('a sum that fits is exact', async () => {
  const costs = { first: '60000000000000000000', second: '39999999999999999999.999999999999999999' }
  expect(await line.rows(sum, costs)).toEqual([{ cost: '99999999999999999999.999999999999999999' }])
})

test('a sum that does not fit is refused, and the next query is answered', async () => {
  const costs = { first: '99000000000000000000', second: '99000000000000000000' }
  const message: unknown = expect.stringMatching('more than 20 digits')
  await expect(line.rows(sum, costs)).rejects.toMatchObject({ code: 'invalid', message })
  expect(await line.rows(sum, { first: '1', second: '2' })).toEqual([{ cost: '3.000000000000000000' }])
})
