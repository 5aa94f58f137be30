import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csv } from '../formats/testing.ts'
import { focus, kinds, whole } from './testing.ts'

const { bring, outcome, one, parquet } = kinds()

/** A bill as a spreadsheet of a country with decimal commas saves it. */
const semicolons = (...costs: string[]): string =>
  focus(...costs.map((BilledCost) => ({ BilledCost, EffectiveCost: BilledCost, ListCost: '', ContractedCost: '' })))
    .replaceAll(/"([^"]*)"/g, (_, quoted: string) => quoted.replaceAll(',', '\u0001'))
    .replaceAll(',', ';')
    .replaceAll('\u0001', ',')
const quoted = (...costs: string[]): string =>
  focus(...costs.map((BilledCost) => ({ BilledCost, EffectiveCost: BilledCost, ListCost: '', ContractedCost: '' })))

describe('the numbers of a file have one decimal mark, decided from all of them', () => {
  it.each([
    ['a decimal comma', semicolons('0,125', '12,375'), '12.5'],
    ['groups and a decimal comma', semicolons('1.234,567', '1.000'), '2234.567'],
    ['groups of blanks', semicolons('1\u00a0234,5\u00a0€', '-2 000,25 €'), '-765.75'],
    ['a decimal point among semicolons', semicolons('0.125', '12.375'), '12.5'],
    ['whole numbers', semicolons('12', '3'), '15'],
    ['groups and a decimal point', quoted('1,234.5', '12,375'), '13609.5'],
    ['a decimal comma among commas', quoted('1,5', '12,375'), '13.875'],
    ['credits in brackets', quoted('(5.25)', '10'), '4.75'],
    ['lakhs of India', quoted('1,23,456.78', '12,34,567.5'), '1358024.28'],
    [
      'blanks around, or nothing but blanks',
      focus({ ListCost: ' ' }, { BilledCost: ' 1.5\t', ContractedCost: '  ' }),
      '3',
    ],
    ['the currency of the row', quoted('5.00 USD', '2.5'), '7.5'],
    ['the currency of the row beside a comma', semicolons('1.234,50 USD', '2 USD'), '1236.5'],
    ['a point among commas, as machines write', quoted('1.234', '12.375'), '13.609'],
  ])('%s', async (_, bill, sum) => {
    expect(await one(bill)).toBe(`Mill/m1/2024-09: ${sum} USD, 2 rows`)
  })

  it.each([
    ['with two readings', quoted('1,234', '12,375'), /line 2, column BilledCost: "1,234" is 1\.234 or 1234, /],
    ['with two readings among semicolons', semicolons('12.375', '3'), /"12\.375" is 12\.375 or 12375/],
    ['that mix both marks', quoted('1.5', '2,25'), /line 3, column BilledCost: "2,25" has a decimal comma/],
    ['with underscores', quoted('1.5', '1_000'), /line 3, column BilledCost: "1_000" is no number/],
    ['with another currency', quoted('5.00 USD', '5.00 EUR'), /line 3, column BilledCost: "5.00 EUR" is no number/],
    ['that are None', quoted('1.5', 'None'), /line 3, column BilledCost: a mandatory value is missing/],
    ['that are none', quoted('1.5', '-'), /line 3, column BilledCost: "-" is no number/],
  ])('numbers %s are refused', async (_, bill, reason) => {
    expect(await one(bill)).toMatch(reason)
  })

  it('for any amounts that a spreadsheet of a country writes', async () => {
    const amount = fc.record({ cents: fc.integer({ min: -(10 ** 11), max: 10 ** 11 }), isGrouped: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(amount, { minLength: 1, maxLength: 8 }), fc.boolean(), async (amounts, isGerman) => {
        const written = amounts.map(({ cents, isGrouped: useGrouping }) =>
          (cents / 100).toLocaleString(isGerman ? 'de' : 'en', { minimumFractionDigits: 2, useGrouping }),
        )
        const cents = amounts.reduce((sum, { cents }) => sum + cents, 0)
        const bill = isGerman ? semicolons(...written) : quoted(...written)
        const { normalized } = await bring({ 'bill.csv': bill })
        expect(normalized.partitions[0]?.totals[0]?.billed).toBe(String(cents / 100))
      }),
      { numRuns: 20 },
    )
  })

  it('costs with more than 18 decimals are rounded, and a note counts them', async () => {
    const costs = {
      BilledCost: '0.1234567890123456789',
      EffectiveCost: '1.5E-18',
      ListCost: '0.0001188669167459011366',
    }
    const exact = { BilledCost: '0.123456789012345678000', EffectiveCost: '4.0E-7', ListCost: '98765432109876543210.5' }
    const wide = await parquet(
      `SELECT 0.1234567890123456789::DECIMAL(38,30) AS BilledCost, 1.5 AS EffectiveCost, 'm1' AS BillingAccountId, 'USD' AS BillingCurrency, '2024-09-01' AS BillingPeriodStart,
       '2024-10-01' AS BillingPeriodEnd, '2024-09-03' AS ChargePeriodStart, '2024-09-04' AS ChargePeriodEnd, 'Usage' AS ChargeCategory, 'Mill' AS ProviderName`,
    )
    const { normalized } = await bring({ 'a.csv': focus(costs), 'b.csv': focus(exact), 'c.parquet': wide })
    expect(normalized.notes).toEqual(['Costs with more than 18 decimals, rounded to 18: 4, in a.csv, c.parquet.'])
    expect((await bring({ 'b.csv': focus(exact) })).normalized.notes).toEqual([])
  })

  it('rounded costs and the control total round alike, half away from zero', async () => {
    const costs = ['0.0000000000000000005', '-1.5e-18', '2.4e-18', '1.2345678901234567e-05']
    const { normalized, rows } = await bring({ 'bill.csv': focus(...costs.map((BilledCost) => ({ BilledCost }))) })
    const exactly = ['0.000000000000000001', '-0.000000000000000002', '0.000000000000000002', '0.000012345678901235']
    expect(rows.map(({ BilledCost }) => BilledCost)).toEqual(exactly)
    const [partition] = normalized.partitions
    expect(partition?.control[0]?.total).toBe('0.000012345678901236')
    expect(partition?.totals[0]?.billed).toBe('0.000012345678901236')
    expect(normalized.notes).toEqual(['Costs with more than 18 decimals, rounded to 18: 4, in bill.csv.'])
  })

  it.each(['None', 'none', 'NAN', 'nan', 'NA', 'Null'])('a price of %s is unknown', async (ListCost) => {
    const { rows } = await bring({ 'bill.csv': focus({ ListCost }) })
    expect(rows).toMatchObject([{ BilledCost: '1.5', ListCost: null }])
  })

  it('a total of more than 20 digits before the point is refused', async () => {
    const bill = quoted('98765432109876543210', '98765432109876543210')
    expect(await one(bill)).toMatch(/^refused: bill\.csv: a number or a total has more than 20 digits/)
  })

  it('numbers with two readings are refused in any cost column', async () => {
    const costs = { BilledCost: '1', EffectiveCost: '1', ListCost: '1,234', ContractedCost: '' }
    expect(await one(focus(costs))).toMatch(/line 2, column ListCost: "1,234" is 1\.234 or 1234/)
  })

  it('a part takes the decimal mark of its siblings', async () => {
    const files = { 'a.csv': semicolons('1,5'), 'b.csv': semicolons('12,375') }
    expect(await outcome(files)).toBe('Mill/m1/2024-09: 13.875 USD, 2 rows')
  })
})

const dates = (...days: string[]): string =>
  focus(...days.map((ChargePeriodStart) => ({ ChargePeriodStart, ChargePeriodEnd: ChargePeriodStart })))
const azure = (...days: string[]): string =>
  csv(
    days.map((Date) => ({
      BillingAccountId: '1',
      BillingCurrency: 'USD',
      Date,
      MeterCategory: 'Storage',
      Cost: '1.5',
      ChargeType: 'Usage',
    })),
  )
const period = (start: string, end: string): string =>
  focus({ BillingPeriodStart: start, BillingPeriodEnd: end }, { BillingPeriodStart: start, BillingPeriodEnd: end })

describe('the dates of a file have one order, decided from all of them', () => {
  it.each([
    ['the month first, by a day above 12', dates('09/02/2024', '09/13/2024'), whole],
    ['the day first, confirmed by the billing period', dates('02/09/2024', '13/09/2024'), whole],
    ['the day first, by the billing period alone', dates('02/09/2024', '03/09/2024'), whole],
    ['the month first, by the billing period alone', dates('9/2/2024', '9/3/2024 12:00:00 AM'), whole],
    ['the day first, by dots', dates('02.09.2024', '3.9.24'), whole],
    ['periods with the day first', period('01/09/2024', '01/10/2024'), whole],
    ['periods with the month first', period('09/01/2024', '10/01/2024'), whole],
    ['compact dates', dates('20240902', '20240903'), whole],
    ['the year first, as spreadsheets of Asia write it', dates('2024/9/2 0:00', '2024/9/3 13:00:00'), whole],
    ['the year first, with dots', dates('2024.09.02', '2024.9.3'), whole],
    ['Azure with the month first', azure('09/02/2024', '09/13/2024'), /^Microsoft\/.*\/2024-09: 3 USD, 2 rows$/],
    ['Azure, about one month', azure('09/02/2024', '09/03/2024'), /^Microsoft\/.*\/2024-09: 3 USD, 2 rows$/],
  ])('%s', async (_, bill, expected) => {
    expect(await one(bill)).toMatch(expected)
  })

  it.each([
    ['the day first', '01/12/2024', '01/01/2025', '05/12/2024'],
    ['the month first', '12/01/2024', '01/01/2025', '12/05/2024'],
  ])('early in December with %s, by the length of the billing period', async (_, start, end, day) => {
    const row = { BillingPeriodStart: start, BillingPeriodEnd: end, ChargePeriodStart: day, ChargePeriodEnd: day }
    expect(await one(focus(row))).toBe('Mill/m1/2024-12: 1.5 USD, 1 rows')
  })

  it.each([
    ['of the Thai calendar', period('2567-09-01', '2567-10-01')],
    ['of the Thai calendar with the day first', period('01/09/2567', '01/10/2567')],
    ['of two digits that come first', azure('24/09/01', '24/09/02')],
  ])('years %s are refused', async (_, bill) => {
    expect(await one(bill)).toMatch(
      /line 2, column BillingPeriodStart: the billing period is before 2006 or after 2099/,
    )
  })

  it.each([
    ['that mix both orders', dates('09/13/2024', '13/09/2024'), /line 3, column ChargePeriodEnd: .*"13\/09\/2024"/],
    ['of which one is outside', dates('13/09/2024', '09/02/2024'), /"13\/09\/2024" has the day first, .* not confirm/],
    ['of Azure with the day first', azure('01/09/2024', '02/09/2024'), /line 2, column Date: .* two readings/],
    ['of Azure with the day first, by a day', azure('01/09/2024', '13/09/2024'), /line 3, column Date: "13\/09\/2024"/],
    ['of Azure of one day', azure('03/09/2024'), /line 2, column Date: .* two readings/],
    ['of Azure that are missing', azure('2024-09-02', ''), /line 3, column Date: .*missing/],
    ['that are none', dates('2024-09-02', 'yesterday'), /line 3, column ChargePeriodEnd: "yesterday" is no date/],
    ['of a period that are none', period('soon', '2024-10-01'), /line 2, column BillingPeriodStart: "soon" is no date/],
  ])('dates %s', async (_, bill, reason) => {
    expect(await one(bill)).toMatch(reason)
  })

  it('an Azure period that cannot be read is refused, and not replaced by the month of the row', async () => {
    const bill = azure('09/02/2024', '09/13/2024')
    const [header = '', ...rows] = bill.trimEnd().split('\n')
    const text = [`${header},BillingPeriodStartDate`, ...rows.map((row) => `${row},September`)].join('\n')
    expect(await one(text)).toMatch(/line 2, column BillingPeriodStartDate: "September" is no date/)
  })

  it.each([
    ['UTC+8', '2024-08-31T16:00:00Z', '2024-09-30T16:00:00Z'],
    ['UTC+14', '2024-08-31T10:00:00Z', '2024-09-30T10:00:00Z'],
    ['UTC+8 with an offset', '2024-09-01T00:00:00+08:00', '2024-10-01T00:00:00+08:00'],
    ['UTC-7', '2024-09-01T07:00:00Z', '2024-10-01T07:00:00Z'],
    ['UTC-12', '2024-09-01T12:00:00Z', '2024-10-01T12:00:00Z'],
  ])('a billing month of %s is its own month', async (_, start, end) => {
    expect(await one(period(start, end))).toBe(whole)
  })
})

describe('one account, provider and currency is one, however it is spelled', () => {
  it.each([
    [
      'AWS ids',
      'AWS',
      ['012345678901', '12345678901', ' 012345678901', '="012345678901"', '12345678901.0', '12,345,678,901'],
      '012345678901',
    ],
    [
      'AWS ids with the marks of spreadsheets',
      'AWS',
      ['\t012345678901', '012345678901\u00a0', '\u200b012345678901', '"012345678901"', '0123 4567 8901'],
      '012345678901',
    ],
    [
      'Azure accounts',
      'Microsoft',
      ['/providers/Microsoft.Billing/billingAccounts/1', '/providers/microsoft.billing/billingaccounts/1', '1'],
      '/providers/Microsoft.Billing/billingAccounts/1',
    ],
  ])('%s', async (_, ProviderName, spellings, id) => {
    const bill = focus(...spellings.map((BillingAccountId) => ({ ProviderName, BillingAccountId })))
    const sum = String(1.5 * spellings.length)
    expect(await one(bill)).toBe(`${ProviderName}/${id}/2024-09: ${sum} USD, ${spellings.length} rows`)
  })

  it('providers and currencies', async () => {
    const BillingAccountId = '012345678901'
    const rows = ['AWS', 'Amazon Web Services', 'aws '].map((ProviderName) => ({ ProviderName, BillingAccountId }))
    const currencies = ['usd', 'USD ', 'USD'].map((BillingCurrency) => ({ ...rows[0], BillingCurrency }))
    expect(await one(focus(...rows, ...currencies))).toBe('AWS/012345678901/2024-09: 9 USD, 6 rows')
  })

  it.each([
    ['AWS', ['Amazon  Web Services', 'Amazon Web Services EMEA SARL', 'AWS EMEA SARL', 'Amazon Web Services, Inc.']],
    ['AWS', ['Amazon Internet Services Private Limited', 'Amazon Web Services India Private Limited']],
    ['AWS', ['Amazon AWS Serviços Brasil Ltda.', '\tAWS']],
    ['Microsoft', ['Microsoft Ireland Operations Ltd.', 'Microsoft Corporation', 'microsoft azure']],
    ['Google Cloud', ['Google Cloud EMEA Limited', 'Google LLC', 'Google Cloud Platform']],
    ['Oracle', ['Oracle America, Inc.', 'Oracle Corporation']],
  ])('%s, whichever of its companies the bill names', async (provider, names) => {
    const bill = focus(...names.map((ProviderName) => ({ ProviderName, BillingAccountId: '012345678901' })))
    expect(await one(bill)).toMatch(new RegExp(`^${provider}/.*: ${1.5 * names.length} USD, ${names.length} rows$`))
  })

  it('another company with such a word in its name stays one', async () => {
    const bill = focus({ ProviderName: 'AWSome Clouds Inc.' }, { ProviderName: 'AWS Marketplace' })
    expect(await one(bill)).toMatch(/^AWS Marketplace\/.*AWSome Clouds Inc\.\//)
  })

  it('currencies by their name', async () => {
    const rows = ['US Dollar', 'us dollars ', 'USD'].map((BillingCurrency) => ({ BillingCurrency }))
    expect(await one(focus(...rows))).toBe('Mill/m1/2024-09: 4.5 USD, 3 rows')
  })

  it.each(['Dollar', 'YEN', 'RMB', 'XYZ', '840', '€'])('a currency %s is refused', async (BillingCurrency) => {
    expect(await one(focus({}, { BillingCurrency }))).toBe(
      `refused: bill.csv: line 3, column BillingCurrency: ${JSON.stringify(BillingCurrency.toUpperCase())} ` +
        'is no currency of ISO 4217: write its code, such as USD.',
    )
  })

  it.each(['1.23457E+11', '1,23457E+11', '1E+11'])('an id that a spreadsheet rounded to %s is refused', async (id) => {
    expect(await one(focus({}, { BillingAccountId: id }))).toMatch(/line 3, column BillingAccountId: a spreadsheet/)
    expect(await one(focus({}, { SubAccountId: id }))).toMatch(/line 3, column SubAccountId: a spreadsheet/)
  })
})

describe('no row vanishes', () => {
  const payg = (rows: Record<string, string>[]): string =>
    csv(
      rows.map((row) => ({
        SubscriptionGuid: 's1',
        UsageDateTime: '2024-09-03',
        MeterCategory: 'Storage',
        Currency: 'EUR',
        PreTaxCost: '1.5',
        ...row,
      })),
    )

  it('a row whose account is a blank is refused', async () => {
    expect(await one(focus({}, { BillingAccountId: ' ' }))).toMatch(
      /line 3, column BillingAccountId: the row belongs to no/,
    )
  })

  it('a row of Azure without account and subscription is refused', async () => {
    const bill = payg([{}, { SubscriptionGuid: '', ChargeType: 'Purchase', PreTaxCost: '120.75' }])
    expect(await one(bill)).toMatch(/line 3, column BillingAccountId: the row belongs to no account/)
  })

  it.each([
    ['a credit for an old month', { ChargeCategory: 'Credit', BilledCost: '-1.5' }],
    ['a refund for an old month', { BilledCost: '-1.5' }],
    ['a tax for an old month', { ChargeCategory: 'Tax', BilledCost: '-1.5' }],
  ])('%s is on the bill', async (_, change) => {
    const old = { ChargePeriodStart: '2023-01-01T00:00:00Z', ChargePeriodEnd: '2023-02-01T00:00:00Z' }
    expect(await one(focus({ BilledCost: '4.5' }, { ...old, ...change }))).toBe(whole)
  })

  it('a renewal that is paid in advance is on the bill', async () => {
    const renewal = { ChargePeriodStart: '2025-01-01T00:00:00Z', ChargePeriodEnd: '2026-01-01T00:00:00Z' }
    expect(await one(focus({}, { ...renewal, ChargeCategory: 'Purchase' }))).toBe(whole)
    expect(await one(focus({}, { ...renewal, ChargeCategory: 'Tax' }))).toBe(whole)
  })
})
