import { describe, expect, it } from 'vitest'
import { literal } from '../database.ts'
import { bench } from './testing.ts'

const { query } = bench()

async function answer(macro: string, text: string): Promise<string | null> {
  const [row] = await query<{ value: string | null }>(`SELECT CAST(${macro}(${literal(text)}) AS VARCHAR) AS value`)
  return row?.value ?? null
}

describe('bill_time reads a moment as UTC', () => {
  it.each([
    ['2024-09-01 00:00:00', '2024-09-01 00:00:00'],
    ['2024-09-01T00:00:00Z', '2024-09-01 00:00:00'],
    ['2024-09-01T00:00:00.000Z', '2024-09-01 00:00:00'],
    ['2024-09-01T00:00Z', '2024-09-01 00:00:00'],
    ['2024-09-01 13:05:09.25 UTC', '2024-09-01 13:05:09.25'],
    ['2024-09-01', '2024-09-01 00:00:00'],
    ['2024-09-01T00:00:00+02:00', '2024-08-31 22:00:00'],
    ['2024-09-01T00:00+02:00', '2024-08-31 22:00:00'],
    ['2024-09-01T00:00:00.5-0330', '2024-09-01 03:30:00.5'],
    ['2024-09-01 00:00:00+00', '2024-09-01 00:00:00'],
    ['09/21/2023', '2023-09-21 00:00:00'],
    ['5/1/25', '2025-05-01 00:00:00'],
    ['12/31/2025 23:59', '2025-12-31 23:59:00'],
    ['2023-02-01T30:00:00Z', '2023-02-02 06:00:00'],
  ])('%s', async (text, expected) => {
    expect(await answer('bill_time', text)).toBe(expected)
  })

  it.each([
    '',
    'hello',
    '2024-13-01',
    '2024-02-30T00:00:00Z',
    '31/12/2024',
    '24-09-01',
    '20240901',
    '2024-09-01 25:00:00',
    '2024-09-01T48:00:00Z',
    '0/1/25',
  ])('does not guess at "%s"', async (text) => {
    expect(await answer('bill_time', text)).toBeNull()
  })
})

describe('bill_money reads an amount that a spreadsheet saved', () => {
  it.each([
    ['$10,000.00 ', '10000.000000000000000000'],
    ['-$5.25', '-5.250000000000000000'],
    ['$-5.25', '-5.250000000000000000'],
    ['1,234,567.890123', '1234567.890123000000000000'],
    ['€1', '1.000000000000000000'],
    ['.5', '0.500000000000000000'],
    ['6.71E-8', '0.000000067100000000'],
  ])('%s', async (text, expected) => {
    expect(await answer('bill_money', text)).toBe(expected)
  })

  it.each(['', '-', '$', 'abc', '1,23', '1.234,56', '(5)', '--1', '1_000', '12.', 'NaN', 'Infinity', '0x10'])(
    'does not guess at "%s"',
    async (text) => {
      expect(await answer('bill_money', text)).toBeNull()
    },
  )
})

describe('bill_tags keeps every tag', () => {
  it.each([
    ['an object as it is', '{"Team": "Data"}', '{"Team": "Data"}'],
    [
      'keys that differ by case and space, apart',
      '{"org":"a"," org":"b","Org":"c"}',
      '{"org":"a"," org":"b","Org":"c"}',
    ],
    ['Azure without braces', '"Cost Center": "12","org": ""', '{"Cost Center": "12","org": ""}'],
    ['what is no JSON, word for word', 'team=data; "x"', '{"x_UnparsedTags":"team=data; \\"x\\""}'],
    ['what is no object, word for word', '["a"]', '{"x_UnparsedTags":"[\\"a\\"]"}'],
  ])('%s', async (_, text, expected) => {
    expect(await answer('bill_tags', text)).toBe(expected)
  })
})

describe('units come as FOCUS writes them', () => {
  it.each([
    ['GB-Mo', 'GB-Months'],
    ['Obj-Month', 'Obj-Months'],
    ['Hrs', 'Hours'],
    ['LCU-Hrs', 'LCU-Hours'],
    ['Lambda-GB-Second', 'Lambda-GB-Seconds'],
    ['Requests', 'Requests'],
  ])('AWS %s', async (text, expected) => {
    expect(await answer('aws_unit', text)).toBe(expected)
  })

  it.each([
    ['1 Hour', 'Hours'],
    ['100 Hours', '100 Hours'],
    ['1 GB/Month', 'GB/Month'],
    ['1/Day', 'Units/Day'],
    ['1', 'Units'],
    ['10K', '10000 Units'],
    ['10,000', '10000 Units'],
    ['1M', '1000000 Units'],
    ['1 MB', 'MB'],
    ['1MB', 'MB'],
    ['Hours', 'Hours'],
    ['99999999999999999999 GB', '99999999999999999999 GB'],
  ])('Azure %s', async (text, expected) => {
    expect(await answer('azure_unit', text)).toBe(expected)
  })
})
