import type { Account, MonthlyCharge } from '../company/model.ts'
import { hash, hex } from '../values/random.ts'
import { products } from './products.ts'

const monthlyRates = [
  '0.7912',
  '0.7885',
  '0.7931',
  '0.7874',
  '0.7806',
  '0.7859',
  '0.7923',
  '0.7961',
  '0.7898',
  '0.7843',
  '0.7817',
  '0.7872',
]

const common = {
  cloud: 'gcp',
  subAccountType: 'Project',
  zone: (region: string, letter: number) => `${region}-${'bcd'.charAt(letter)}`,
  products,
  customColumns: ['x_CostType', 'x_ServiceId'],
  custom: (product) => ({ x_CostType: 'regular', x_ServiceId: hex(hash(product.service), 12).toUpperCase() }),
} satisfies Partial<Account>

/** The billing account of the data and search teams, paid in USD. */
export const gcpUsd: Account = {
  ...common,
  fields: fields('01B7C2-4E9D10-A83F56', 'Larkfield Data', 'USD'),
  share: 0.17,
  rate: () => '1',
  invoiceId: (period) => `INV-${period}-A83F56`,
  subAccounts: [
    { id: 'larkfield-analytics-prod', name: 'Analytics', environment: 'production', weight: 45 },
    { id: 'larkfield-search-prod', name: 'Search', environment: 'production', weight: 33 },
    { id: 'larkfield-ml-research', name: 'ML Research', environment: 'development', weight: 12 },
    { id: 'larkfield-analytics-stage', name: 'Analytics Staging', environment: 'staging', weight: 10 },
  ],
  regions: [
    { id: 'us-central1', name: 'Iowa', weight: 55 },
    { id: 'europe-west1', name: 'Belgium', weight: 30 },
    { id: 'us-east4', name: 'Northern Virginia', weight: 15 },
  ],
  commitments: [
    {
      key: 'machine-commitment',
      id: '//compute.googleapis.com/projects/larkfield-analytics-prod/regions/us-central1/commitments/n2-one-year',
      name: 'n2-one-year',
      category: 'Usage',
      type: 'Resource-based Committed Use Discount',
      discountPercent: 34,
      coverageRatio: 0.92,
      payment: 'daily',
      sku: '6F11-38D2-A0C4',
      meter: 'Commitment v1: N2 for 1 Year',
    },
  ],
  monthly: monthly('Sales tax', 210, '-385.5'),
}

/** The billing account of the British subsidiary: prices in USD, invoices in GBP at a rate that changes each month. */
export const gcpGbp: Account = {
  ...common,
  fields: fields('0094AE-71D3F8-5BC210', 'Larkfield UK Ltd', 'GBP'),
  share: 0.06,
  rate: (month) => monthlyRates[month % monthlyRates.length] ?? '0.79',
  invoiceId: (period) => `INV-${period}-5BC210`,
  subAccounts: [
    { id: 'larkfield-uk-store', name: 'UK Store', environment: 'production', weight: 70 },
    { id: 'larkfield-uk-dev', name: 'UK Development', environment: 'development', weight: 30 },
  ],
  regions: [
    { id: 'europe-west2', name: 'London', weight: 85 },
    { id: 'europe-west1', name: 'Belgium', weight: 15 },
  ],
  commitments: [],
  monthly: monthly('VAT', 2000, '-52.4'),
}

function fields(id: string, name: string, currency: string): Account['fields'] {
  return {
    ProviderName: 'Google Cloud',
    PublisherName: 'Google Cloud',
    InvoiceIssuerName: 'Google Cloud',
    BillingAccountId: id,
    BillingAccountName: name,
    BillingAccountType: 'Billing Account',
    BillingCurrency: currency,
    PricingCurrency: 'USD',
  }
}

function monthly(tax: string, taxHundredths: number, credit: string): MonthlyCharge[] {
  const invoice = { service: 'Invoice', category: 'Management and Governance', subcategory: 'Cost Management' }
  const support = { service: 'Support', category: 'Management and Governance', subcategory: 'Support' }
  return [
    {
      kind: 'support',
      description: 'Standard Support Service',
      ...support,
      percentHundredths: 300,
      sku: '2A4E-91B0-77CD',
    },
    { kind: 'tax', description: tax, ...invoice, percentHundredths: taxHundredths },
    { kind: 'credit', description: 'Promotional credit', ...invoice, fixed: credit, months: [0, 8] },
    { kind: 'rounding', description: 'Rounding error', ...invoice, fixed: '-0.004713' },
  ]
}
