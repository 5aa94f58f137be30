import { describe, expect, it } from 'vitest'
import { detect, explain } from './detect.ts'
import { focusColumns } from './focus/focus.ts'

const ids = (headers: readonly string[]): string[] => detect(headers).map(({ id }) => id)
const without = (headers: readonly string[], ...names: string[]): string[] =>
  headers.filter((header) => !names.includes(header))
const cur = [
  'bill/PayerAccountId',
  'bill/BillingPeriodStartDate',
  'lineItem/LineItemType',
  'lineItem/UsageStartDate',
  'lineItem/CurrencyCode',
  'lineItem/UnblendedCost',
]
const athena = [
  'bill_payer_account_id',
  'bill_billing_period_start_date',
  'line_item_line_item_type',
  'line_item_usage_start_date',
  'line_item_currency_code',
  'line_item_unblended_cost',
]
const azure = ['BillingCurrency', 'Cost', 'Date', 'MeterCategory']

describe('headers identify the format', () => {
  it.each([
    ['FOCUS 1.0, where rows decide about the second release', focusColumns['1.0'], ['focus-1.0r2', 'focus-1.0']],
    [
      'FOCUS 1.0 in any case and with columns of its own',
      [...focusColumns['1.0'].map((name) => name.toUpperCase()), 'Id', 'x_Team'],
      ['focus-1.0r2', 'focus-1.0'],
    ],
    ['FOCUS 1.1', focusColumns['1.1'], ['focus-1.1']],
    ['FOCUS 1.2', focusColumns['1.2'], ['focus-1.2']],
    ['FOCUS 1.3', focusColumns['1.3'], ['focus-1.3']],
    ['FOCUS 1.4', focusColumns['1.4'], ['focus-1.4']],
    [
      'FOCUS 1.4 without the columns that it added',
      without(focusColumns['1.4'], 'InvoiceDetailId', 'CommitmentProgramEligibilityDetails'),
      ['focus-1.4'],
    ],
    [
      'FOCUS without prices',
      without(focusColumns['1.0'], 'ListCost', 'ContractedCost', 'ServiceCategory', 'Tags'),
      ['focus-1.0r2', 'focus-1.0'],
    ],
    ['legacy CUR', cur, ['aws-cur-legacy']],
    ["legacy CUR in Athena's spelling", [...athena, 'resource_tags_user_team'], ['aws-cur-legacy']],
    ['CUR 2.0', [...athena, 'resource_tags', 'product'], ['aws-cur-2.0']],
    ['Azure, where rows decide about the set', azure, ['azure-amortized', 'azure-actual']],
    [
      'Azure in camelCase',
      ['billingCurrency', 'costInBillingCurrency', 'date', 'meterCategory'],
      ['azure-amortized', 'azure-actual'],
    ],
    ['nothing known', ['Date', 'Amount', 'Description'], []],
  ])('%s', (_, headers, expected) => {
    expect(ids(headers)).toEqual(expected)
  })
})

describe('the refusal of unknown headers names the most similar format and its missing columns', () => {
  it.each([
    [without(focusColumns['1.0'], 'BilledCost'), ['FOCUS 1.0', 'BilledCost']],
    [
      without(focusColumns['1.2'], 'BillingCurrency', 'ChargeCategory'),
      ['FOCUS 1.2', 'BillingCurrency, ChargeCategory'],
    ],
    [without(cur, 'lineItem/UnblendedCost'), ['AWS CUR (legacy)', 'line_item_unblended_cost']],
    [without(azure, 'Cost'), ['Azure actual cost', 'Cost']],
    [
      ['Date', 'Amount'],
      ['FOCUS 1.0 to 1.4', 'AWS Cost and Usage Report', 'Azure cost details'],
    ],
  ])('%#', (headers, expected) => {
    for (const name of expected) expect(explain(headers)).toContain(name)
  })
})
