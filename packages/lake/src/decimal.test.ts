import { tmpdir } from 'node:os'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Money } from '@cloudoptima/core'
import { type Database, literal, open, plain, rows } from './database.ts'

let database: Database

beforeAll(async () => {
  database = await open({ tempDir: tmpdir(), memoryLimit: '300MB' })
})
afterAll(() => database.close())

async function read(texts: string[]): Promise<string[]> {
  const values = texts.map((text, i) => `(${i}, ${literal(text)})`).join(', ')
  const found = await rows<{ value: string }>(
    database.connection,
    `SELECT CAST(bill_decimal(t.text) AS VARCHAR) AS value FROM (VALUES ${values}) AS t(i, text) ORDER BY i`,
  )
  return found.map(({ value }) => plain(value))
}

const zeros = fc.integer({ min: 0, max: 12 }).map((count) => '0'.repeat(count))
const written = fc
  .record({
    sign: fc.constantFrom('', '-', '+'),
    whole: fc.bigInt({ min: 0n, max: 10n ** 19n }),
    fraction: fc.option(fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 9n }), fc.integer({ min: 0, max: 9 }), zeros)),
    exponent: fc.option(fc.tuple(fc.constantFrom('e', 'E'), fc.integer({ min: -8, max: 0 })), { freq: 4 }),
  })
  .map(({ sign, whole, fraction, exponent }) => {
    const digits = fraction
      ? `.${'0'.repeat(fraction[1])}${String(fraction[0]).slice(0, 18 - fraction[1] - (exponent ? 8 : 0))}${fraction[2]}`
      : ''
    return `${sign}${whole}${digits.slice(0, exponent ? 11 : 40)}${exponent ? `${exponent[0]}${exponent[1]}` : ''}`
  })

it('reads a decimal exactly in every notation', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(written, { minLength: 1, maxLength: 200 }), async (texts) => {
      const expected = texts.map((text) => Money.plain(Money.parse(text.replace(/^\+/, '')).round(18)))
      expect(await read(texts)).toEqual(expected)
    }),
    { numRuns: 30 },
  )
})

it('rounds more than 18 decimals half away from zero', async () => {
  expect(await read(['0.0000000000000000005', '-0.0000000000000000005', '0.00000000000000000049'])).toEqual([
    '0.000000000000000001',
    '-0.000000000000000001',
    '0',
  ])
})

it('refuses text that is no number', async () => {
  for (const text of ['free', '1,5', '$1', 'NaN', 'Infinity', '1e', '--1', '1_000', '1_0.5', '1'.repeat(21)])
    await expect(read([text])).rejects.toThrow('Could not convert string')
})
