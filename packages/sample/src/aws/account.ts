import type { Account, MonthlyCharge, Product } from '../company/model.ts'
import { hash, hex } from '../values/random.ts'
import { products } from './products.ts'

const payer = '412095583716'

/** The company's AWS organization, paid in USD. One account id begins with a zero, so that tests notice a lost zero. */
export const aws: Account = {
  cloud: 'aws',
  fields: {
    ProviderName: 'AWS',
    PublisherName: 'AWS',
    InvoiceIssuerName: 'AWS',
    BillingAccountId: payer,
    BillingAccountName: 'Larkfield Group',
    BillingAccountType: 'Management Account',
    BillingCurrency: 'USD',
    PricingCurrency: 'USD',
  },
  share: 0.5,
  rate: () => '1',
  invoiceId: (period) => `2${(hash(`${payer} ${period}`) % 1_000_000_000).toString().padStart(9, '0')}`,
  subAccountType: 'Linked Account',
  subAccounts: [
    { id: '583920174465', name: 'larkfield-shop-production', environment: 'production', weight: 30 },
    { id: '097341658820', name: 'larkfield-payments-production', environment: 'production', weight: 16 },
    { id: '731468209957', name: 'larkfield-data-platform', environment: 'production', weight: 22 },
    { id: '264815937042', name: 'larkfield-shared-services', environment: 'production', weight: 10 },
    { id: '845107362291', name: 'larkfield-staging', environment: 'staging', weight: 10 },
    { id: '318672904458', name: 'larkfield-development', environment: 'development', weight: 9 },
    { id: '906253418873', name: 'larkfield-sandbox', environment: 'development', weight: 3 },
  ],
  regions: [
    { id: 'us-east-1', name: 'US East (N. Virginia)', weight: 45 },
    { id: 'eu-west-1', name: 'Europe (Ireland)', weight: 30 },
    { id: 'eu-central-1', name: 'Europe (Frankfurt)', weight: 15 },
    { id: 'ap-southeast-2', name: 'Asia Pacific (Sydney)', weight: 10 },
  ],
  zone: (region, letter) => `${region}${'abc'.charAt(letter)}`,
  products,
  commitments: [
    {
      key: 'compute-savings-plan',
      id: `arn:aws:savingsplans::${payer}:savingsplan/${hex(hash('savings plan'), 8)}-41d7-4c0e-9b52-${hex(hash('savings plan 2'), 12)}`,
      name: 'Compute Savings Plan 1 year no upfront',
      category: 'Spend',
      type: 'Compute Savings Plan',
      discountPercent: 27,
      coverageRatio: 0.86,
      payment: 'daily',
      sku: 'CSP1YNOUPFRONT',
      meter: 'ComputeSP:1yrNoUpfront',
    },
    {
      key: 'database-reservation',
      id: `arn:aws:rds:us-east-1:${payer}:ri:ri-${hex(hash('reservation'), 12)}`,
      name: 'db.r6g.xlarge 1 year all upfront',
      category: 'Usage',
      type: 'Reserved Instance',
      discountPercent: 36,
      coverageRatio: 0.8,
      payment: { upfrontInMonth: 2 },
      sku: 'RDSR6GXLRI',
      meter: 'HeavyUsage:db.r6g.xlarge',
    },
  ],
  monthly: monthly(),
  customColumns: ['x_Discounts', 'x_Operation', 'x_ServiceCode', 'x_UsageType'],
  custom: (product: Product) => ({
    x_Discounts: product.discountPercent > 0 ? `{"Agreement":"${product.discountPercent}%"}` : '',
    x_Operation: product.meter.includes(':') ? 'RunInstances' : 'Usage',
    x_ServiceCode: product.service.replaceAll(/[^A-Za-z0-9]/g, ''),
    x_UsageType: product.meter,
    ...product.extra,
  }),
}

function monthly(): MonthlyCharge[] {
  const support = { service: 'AWS Support (Business)', category: 'Management and Governance', subcategory: 'Support' }
  const billing = { service: 'AWS Billing', category: 'Management and Governance', subcategory: 'Cost Management' }
  return [
    {
      kind: 'support',
      description: 'AWS Business Support, share of the monthly use',
      ...support,
      percentHundredths: 320,
      sku: 'SUPPORTBUSINESS',
    },
    { kind: 'tax', description: 'Sales tax', ...billing, percentHundredths: 385 },
    { kind: 'credit', description: 'Migration acceleration credit', ...billing, fixed: '-2150.75', months: [0, 6] },
    {
      kind: 'credit',
      description: 'Proof of concept credit for generative AI',
      ...billing,
      fixed: '-640',
      months: [8, 10],
    },
  ]
}
