import { describe, expect, it } from 'vitest'
import { literal } from '../database.ts'
import { bench } from './testing.ts'

const { query } = bench()

async function answer(macro: string, text: string, ...more: string[]): Promise<string | null> {
  const call = `${macro}(${[literal(text), ...more].join(', ')})`
  const [row] = await query<{ value: string | null }>(`SELECT CAST(${call} AS VARCHAR) AS value`)
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
    ['2024-09-01 00:00:00 +0000', '2024-09-01 00:00:00'],
    ['2024-09-01 00:00:00 -07:00', '2024-09-01 07:00:00'],
    ['2024-09-01 00:00 +02', '2024-08-31 22:00:00'],
    ['20240901', '2024-09-01 00:00:00'],
    ['20240901T130000Z', '2024-09-01 13:00:00'],
    ['2024/09/01', '2024-09-01 00:00:00'],
    ['2024/09/01 13:00:00', '2024-09-01 13:00:00'],
    ['2024-9-1', '2024-09-01 00:00:00'],
    ['2024-9-1 13:00:00', '2024-09-01 13:00:00'],
    ['01-SEP-24', '2024-09-01 00:00:00'],
    ['1-Sep-2024', '2024-09-01 00:00:00'],
    ['2024-09-01 00:00:00 +0000 UTC', '2024-09-01 00:00:00'],
    ['2024-09-01 00:00:00.5 +0000 UTC', '2024-09-01 00:00:00.5'],
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
    '01-SET-24',
    '31-SEP-24',
    '2024-09-01 00:00:00 +0200 UTC',
    '20241301',
    '01/09/2024',
    '2024-09-01 25:00:00',
    '2024-09-01T48:00:00Z',
    '0/1/25',
  ])('does not guess at "%s"', async (text) => {
    expect(await answer('bill_time', text)).toBeNull()
  })
})

describe('bill_local_time reads a date in the order of its file', () => {
  it.each([
    ['01/09/2024', '2024-09-01 00:00:00', '2024-01-09 00:00:00'],
    ['1.9.24', '2024-09-01 00:00:00', '2024-01-09 00:00:00'],
    ['01-09-2024 23:59', '2024-09-01 23:59:00', '2024-01-09 23:59:00'],
    ['9/1/2024 12:00:00 AM', '2024-01-09 00:00:00', '2024-09-01 00:00:00'],
    ['9/1/2024 1:30 pm', '2024-01-09 13:30:00', '2024-09-01 13:30:00'],
    ['31/12/2024', '2024-12-31 00:00:00', null],
    ['12/31/2025 23:59:00.000', null, '2025-12-31 23:59:00'],
    ['0/1/25', null, null],
    ['13/13/2024', null, null],
    ['2024-09-01', null, null],
    ['1/2', null, null],
  ])('%s', async (text, dayFirst, monthFirst) => {
    expect(await answer('bill_local_time', text, 'true')).toBe(dayFirst)
    expect(await answer('bill_local_time', text, 'false')).toBe(monthFirst)
  })
})

describe('bill_money reads an amount with the decimal mark of its file', () => {
  it.each([
    ['$10,000.00 ', '10000', null],
    ['-$5.25', '-5.25', null],
    ['$-5.25', '-5.25', null],
    ['1,234,567.890123', '1234567.890123', null],
    ['€1', '1', '1'],
    ['.5', '0.5', null],
    ['12.', '12', null],
    ['6.71E-8', '0.0000000671', null],
    ['(5.25)', '-5.25', null],
    ['($5)', '-5', '-5'],
    ['5-', '-5', '-5'],
    ['\u22123', '-3', '-3'],
    ["1'234.50", '1234.5', null],
    ['1.234,56', null, '1234.56'],
    ['1\u00a0234,5 €', null, '1234.5'],
    ['0,125', null, '0.125'],
    ['1,23', null, '1.23'],
    ['12,375', '12375', '12.375'],
    ['12.375', '12.375', '12375'],
    ...['', '-', '$', 'abc', '(5', '5)', '(-5)', '--1', '1_000', 'NaN', 'Infinity', '0x10', '1,2,3', '1.2.3'].map(
      (text): [string, null, null] => [text, null, null],
    ),
  ])('%s', async (text, point, comma) => {
    const plainly = async (hasComma: string) =>
      (await answer('bill_money', text, hasComma))?.replace(/\.?0+$/, '') ?? null
    expect([await plainly('false'), await plainly('true')]).toEqual([point, comma])
  })
})

describe('an account, provider or currency has one spelling', () => {
  it.each([
    ['bill_account', 'AWS', '012345678901', '012345678901'],
    ['bill_account', 'AWS', '12345678901', '012345678901'],
    ['bill_account', 'AWS', '123456789012.0', '123456789012'],
    ['bill_account', 'AWS', '="012345678901"', '012345678901'],
    ['bill_account', 'AWS', "'012345678901", '012345678901'],
    ['bill_account', 'AWS', ' 1234-5678-9012 ', '123456789012'],
    ['bill_account', 'AWS', '0012345678901', '0012345678901'],
    ['bill_account', 'AWS', 'payer', 'payer'],
    ['bill_account', 'Other', '12345678901', '12345678901'],
    ...['1a2b:3c4d_2019-05-31', '/billingaccounts/1A2B:3C4D_2019-05-31'].map(
      (written): [string, string, string, string] => [
        'bill_account',
        'Microsoft',
        written,
        '/providers/Microsoft.Billing/billingAccounts/1a2b:3c4d_2019-05-31',
      ],
    ),
    ['bill_account', 'Microsoft', '1A2B3C4D-0000-1111-2222-333344445555', '1a2b3c4d-0000-1111-2222-333344445555'],
    ['bill_account', 'Google Cloud', 'billingAccounts/01aaaa-bbbbbb-cccccc', '01AAAA-BBBBBB-CCCCCC'],
    ['bill_account', 'Google Cloud', 'abcdef-abcdef-abcdef', 'ABCDEF-ABCDEF-ABCDEF'],
    ['bill_account', 'Google Cloud', ' cafe-shop-2 ', 'cafe-shop-2'],
    ...['cafe-shop-2', 'g', 'abcdef-abcdef-abcdeg'].map((id): [string, string, string, string] => [
      'bill_account',
      'Google Cloud',
      id,
      id,
    ]),
    ...[
      '/subscriptions/1A2B3C4D-0000-1111-2222-333344445555/',
      '/subscriptions/1a2b3c4d-0000-1111-2222-333344445555',
    ].map((written): [string, string, string, string] => [
      'bill_account',
      'Microsoft',
      written,
      '/subscriptions/1a2b3c4d-0000-1111-2222-333344445555',
    ]),
    ...[
      '/providers/Microsoft.Billing/billingAccounts/7654321',
      '/PROVIDERS/microsoft.billing/BILLINGACCOUNTS/7654321',
      '/providers/Microsoft.Billing/billingAccounts/7654321/',
      '7654321',
      '7654321.0',
      'billingAccounts/7654321',
      'providers/Microsoft.Billing/billingAccounts/7654321',
    ].map((written): [string, string, string, string] => [
      'bill_account',
      'Microsoft',
      written,
      '/providers/Microsoft.Billing/billingAccounts/7654321',
    ]),
    ...[
      '/providers/Microsoft.Billing/billingAccounts/ab:cd_2019-05-31/billingProfiles/AB-PGB/invoiceSections/X1',
      '/providers/Microsoft.Billing/billingAccounts/AB:CD_2019-05-31/BILLINGPROFILES/ab-pgb/invoicesections/x1',
      'billingAccounts/ab:cd_2019-05-31/billingProfiles/AB-PGB/invoiceSections/X1/',
      'AB:CD_2019-05-31/billingProfiles/AB-PGB/invoiceSections/X1',
    ].map((written): [string, string, string, string] => [
      'bill_account',
      'Microsoft',
      written,
      '/providers/Microsoft.Billing/billingAccounts/ab:cd_2019-05-31/billingProfiles/AB-PGB/invoiceSections/X1',
    ]),
  ])('%s of %s: %s', async (macro, provider, text, expected) => {
    expect(await answer(macro, provider, literal(text))).toBe(expected)
  })

  it.each([
    ['bill_provider', 'Amazon Web Services', 'AWS'],
    ['bill_provider', ' aws ', 'AWS'],
    ['bill_provider', 'Amazon Web Services, Inc.', 'AWS'],
    ['bill_provider', 'Amazon AWS', 'AWS'],
    ['bill_provider', 'AmazonWebServices', 'AWS'],
    ['bill_provider', 'azure', 'Microsoft'],
    ['bill_provider', 'Microsoft Corp.', 'Microsoft'],
    ['bill_provider', 'Google LLC', 'Google Cloud'],
    ['bill_provider', 'Google Cloud Platform (GCP)', 'Google Cloud'],
    ['bill_provider', 'Google Workspace', 'Google Workspace'],
    ['bill_provider', 'Oracle Corporation', 'Oracle'],
    ['bill_provider', 'GCP', 'Google Cloud'],
    ['bill_provider', 'Invented Cloud ', 'Invented Cloud'],
    ['bill_currency', ' usd', 'USD'],
  ])('%s: %s', async (macro, text, expected) => {
    expect(await answer(macro, text)).toBe(expected)
  })
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
    ['as Athena prints a map', '{Team=blue, Env=prod}', '{"Team":"blue","Env":"prod"}'],
    ['as Python prints a dictionary', "{'Team': 'blue'}", '{"Team": "blue"}'],
    ["Google's list of pairs", '[{"key":"Team","value":"blue"}]', '{"Team":"blue"}'],
    ['a map with a key twice, word for word', '{a=b, a=c}', '{"x_UnparsedTags":"{a=b, a=c}"}'],
    ['Python without a value', "{'a': 'b', 'c': None}", `{"a": "b", "c": null}`],
    ['Python with other quotes', `{'a': "the mill's"}`, `{"a": "the mill's"}`],
    ['Python with quotes that cannot be told apart', `{'a': 'a "b" c'}`, `{"x_UnparsedTags":"{'a': 'a \\"b\\" c'}"}`],
    ['a list of Python', "[{'key': 'a', 'value': 'b'}]", '{"a":"b"}'],
    ["a list of AWS's API", '[{"Key":"a","Value":"b"}]', '{"a":"b"}'],
    ['a list with apostrophes', `[{"key":"a","value":"the mill's 'b'"}]`, `{"a":"the mill's 'b'"}`],
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
