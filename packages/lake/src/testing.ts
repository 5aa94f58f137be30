/** The columns of a test bill. */
export const columns = [
  'BilledCost',
  'EffectiveCost',
  'ListCost',
  'ContractedCost',
  'BillingAccountId',
  'BillingCurrency',
  'BillingPeriodStart',
  'BillingPeriodEnd',
  'ChargePeriodStart',
  'ChargePeriodEnd',
  'ChargeCategory',
  'ChargeClass',
  'ProviderName',
  'ServiceName',
  'Tags',
  'SubAccountId',
] as const

/** A row of a bill in FOCUS 1.0. */
export type Row = Record<(typeof columns)[number], string>

/** One charge of 1.5 USD that AWS billed in September 2024, with changes. */
const row = (change: Partial<Row> = {}): Row => ({
  BilledCost: '1.5',
  EffectiveCost: '1.5',
  ListCost: '2',
  ContractedCost: '1.5',
  BillingAccountId: '0012345678901',
  BillingCurrency: 'USD',
  BillingPeriodStart: '2024-09-01T00:00:00Z',
  BillingPeriodEnd: '2024-10-01T00:00:00Z',
  ChargePeriodStart: '2024-09-03T00:00:00Z',
  ChargePeriodEnd: '2024-09-04T00:00:00Z',
  ChargeCategory: 'Usage',
  ChargeClass: '',
  ProviderName: 'AWS',
  ServiceName: 'Amazon Simple Storage Service',
  Tags: '{"Team":"Data"}',
  SubAccountId: '',
  ...change,
})

const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
/** A test bill as CSV. */
export const csv = (bill: Partial<Row>[], headers: readonly string[] = columns): string =>
  [headers, ...bill.map((given) => headers.map((name) => (row(given) as Record<string, string>)[name] ?? ''))]
    .map((line) => line.map(field).join(','))
    .join('\n') + '\n'
