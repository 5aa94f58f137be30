/** One month of an AWS organization, a line of each kind, by Athena's column names. */
const bill = {
  bill_payer_account_id: '000123456789',
  bill_billing_entity: 'AWS',
  bill_invoicing_entity: 'Amazon Web Services EMEA SARL',
  bill_billing_period_start_date: '2024-09-01T00:00:00.000Z',
  bill_billing_period_end_date: '2024-10-01T00:00:00.000Z',
  line_item_usage_account_id: '000000000042',
  line_item_usage_start_date: '2024-09-03T10:00:00Z',
  line_item_usage_end_date: '2024-09-03T11:00:00Z',
  line_item_currency_code: 'USD',
  line_item_product_code: 'AmazonEC2',
  product_region_code: 'eu-west-1',
}
const plan = { savings_plan_savings_plan_a_r_n: 'arn:aws:savingsplans::000123456789:savingsplan/p1' }
const reservation = { reservation_reservation_a_r_n: 'arn:aws:ec2:eu-west-1:000123456789:reserved-instances/r1' }

export type Line = Record<string, string>

const line = (type: string, cost: string, more: Line = {}): Line => ({
  ...bill,
  line_item_line_item_type: type,
  line_item_line_item_description: type,
  line_item_unblended_cost: cost,
  ...more,
})

/** What each kind of line was billed and is worth, and FOCUS's word for it; the key is the line's description. */
export const expected: Record<string, { billed: string; effective: string; category: string }> = {
  Usage: { billed: '0.1', effective: '0.1', category: 'Usage' },
  SavingsPlanCoveredUsage: { billed: '0', effective: '0.14', category: 'Usage' },
  SavingsPlanNegation: { billed: '0', effective: '0', category: 'Adjustment' },
  SavingsPlanRecurringFee: { billed: '0.5', effective: '0.36', category: 'Purchase' },
  SavingsPlanUpfrontFee: { billed: '100', effective: '0', category: 'Purchase' },
  DiscountedUsage: { billed: '0', effective: '0.06', category: 'Usage' },
  RIFee: { billed: '43.2', effective: '3.3', category: 'Purchase' },
  'upfront fee of a reservation': { billed: '365', effective: '0', category: 'Purchase' },
  'fee of a marketplace product': { billed: '12', effective: '12', category: 'Purchase' },
  Tax: { billed: '1.23', effective: '1.23', category: 'Tax' },
  Credit: { billed: '-5', effective: '-5', category: 'Credit' },
  Refund: { billed: '-0.5', effective: '-0.5', category: 'Credit' },
  EdpDiscount: { billed: '-0.01', effective: '-0.01', category: 'Adjustment' },
  PrivateRateDiscount: { billed: '-0.02', effective: '-0.02', category: 'Adjustment' },
  BundledDiscount: { billed: '-0.03', effective: '-0.03', category: 'Adjustment' },
  'instance with tasks': { billed: '1', effective: '1', category: 'Usage' },
}

const described = (description: string): Line => ({ line_item_line_item_description: description })

export const lines: readonly Line[] = [
  line('Usage', '1.0E-1', {
    pricing_public_on_demand_cost: '0.12',
    line_item_usage_amount: '1',
    pricing_unit: 'Hrs',
    line_item_resource_id: 'i-1',
  }),
  line('SavingsPlanCoveredUsage', '0.2', {
    ...plan,
    savings_plan_savings_plan_effective_cost: '0.14',
    pricing_public_on_demand_cost: '0.2',
  }),
  line('SavingsPlanNegation', '-0.2', plan),
  line('SavingsPlanRecurringFee', '0.5', {
    ...plan,
    savings_plan_total_commitment_to_date: '0.5',
    savings_plan_used_commitment: '0.14',
  }),
  line('SavingsPlanUpfrontFee', '100', plan),
  line('DiscountedUsage', '0', {
    ...reservation,
    reservation_effective_cost: '0.06',
    pricing_public_on_demand_cost: '0.1',
  }),
  line('RIFee', '43.2', {
    ...reservation,
    reservation_unused_amortized_upfront_fee_for_billing_period: '1.1',
    reservation_unused_recurring_fee: '2.2',
  }),
  line('Fee', '365', { ...reservation, ...described('upfront fee of a reservation') }),
  line('Fee', '12', {
    bill_billing_entity: 'AWS Marketplace',
    line_item_legal_entity: 'Acme',
    ...described('fee of a marketplace product'),
  }),
  line('Tax', '1.23', {
    line_item_usage_start_date: '2024-09-01T00:00:00Z',
    line_item_usage_end_date: '2024-10-01T00:00:00Z',
  }),
  line('Credit', '-5'),
  line('Refund', '-0.5', {
    line_item_usage_start_date: '2022-01-03T10:00:00Z',
    line_item_usage_end_date: '2022-01-03T11:00:00Z',
  }),
  line('EdpDiscount', '-0.01'),
  line('PrivateRateDiscount', '-0.02'),
  line('BundledDiscount', '-0.03'),
  line('Usage', '1', { line_item_resource_id: 'i-2', ...described('instance with tasks') }),
  line('Usage', '0.6', {
    line_item_resource_id: 'task/a',
    split_line_item_parent_resource_id: 'i-2',
    ...described('a task of it'),
  }),
  line('Usage', '0.4', {
    line_item_resource_id: 'task/b',
    split_line_item_parent_resource_id: 'i-2',
    ...described('another task of it'),
  }),
]

/** AWS's CSV spelling of Athena's names, as legacy reports have it: `lineItem/UnblendedCost`. */
export function csvSpelling(name: string): string {
  const [, group = '', rest = ''] =
    /^(bill|identity|line_item|pricing|product|reservation|savings_plan|split_line_item)_(.*)$/.exec(name) ?? []
  const pascal = (text: string): string =>
    text.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  const camel = (text: string): string => text.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return `${camel(group)}/${group === 'pricing' || group === 'product' ? camel(rest) : pascal(rest)}`
}

export const renamed = (given: Line, rename: (name: string) => string): Line =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [rename(name), value]))
