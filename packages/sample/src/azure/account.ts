import type { Account } from '../company/model.ts'
import { hash, uuid } from '../values/random.ts'
import { products } from './products.ts'

const enrollment = '8830147'

/** The enterprise agreement of the European subsidiary, paid in EUR. Azure's exports contain no tax. */
export const azure: Account = {
  cloud: 'azure',
  fields: {
    ProviderName: 'Microsoft',
    PublisherName: 'Microsoft',
    InvoiceIssuerName: 'Microsoft',
    BillingAccountId: `/providers/Microsoft.Billing/billingAccounts/${enrollment}`,
    BillingAccountName: 'Larkfield Europe GmbH',
    BillingAccountType: 'Billing Account',
    BillingCurrency: 'EUR',
    PricingCurrency: 'EUR',
  },
  share: 0.27,
  rate: () => '0.93',
  invoiceId: (period) => `G${(hash(`${enrollment} ${period}`) % 100_000_000).toString().padStart(9, '0')}`,
  subAccountType: 'Subscription',
  subAccounts: [
    { id: subscription('erp'), name: 'Larkfield ERP', environment: 'production', weight: 34 },
    { id: subscription('warehouse'), name: 'Larkfield Warehouse Systems', environment: 'production', weight: 30 },
    { id: subscription('workplace'), name: 'Larkfield Workplace', environment: 'production', weight: 14 },
    { id: subscription('test'), name: 'Larkfield Europe Test', environment: 'staging', weight: 13 },
    { id: subscription('lab'), name: 'Larkfield Europe Lab', environment: 'development', weight: 9 },
  ],
  regions: [
    { id: 'westeurope', name: 'West Europe', weight: 55 },
    { id: 'northeurope', name: 'North Europe', weight: 25 },
    { id: 'germanywestcentral', name: 'Germany West Central', weight: 20 },
  ],
  zone: (_region, letter) => `${letter + 1}`,
  products,
  commitments: [
    {
      key: 'machine-reservation',
      id: `/providers/Microsoft.Capacity/reservationOrders/${uuid(hash('order'))}/reservations/${uuid(hash('reservation'))}`,
      name: 'VM_D4s_v5_1Y',
      category: 'Usage',
      type: 'Reservation',
      discountPercent: 39,
      coverageRatio: 1.06,
      payment: 'monthly',
      sku: 'DZH318Z0RESD4S',
      meter: 'D4s v5 Reservation, 1 Year',
    },
  ],
  monthly: [
    {
      kind: 'support',
      description: 'Azure Standard Support',
      service: 'Support',
      category: 'Management and Governance',
      subcategory: 'Support',
      fixed: '93',
      sku: 'DZH318Z0SUPPORT',
    },
    {
      kind: 'credit',
      description: 'Enterprise agreement commitment credit',
      service: 'Billing',
      category: 'Management and Governance',
      subcategory: 'Cost Management',
      fixed: '-1800',
      months: [3, 5],
    },
  ],
  customColumns: ['x_CostCenter', 'x_ResourceGroupName', 'x_SkuMeterCategory', 'x_SkuMeterName'],
  custom: (product, _subAccount, group) => ({
    x_ResourceGroupName: group,
    x_SkuMeterCategory: product.service,
    x_SkuMeterName: product.meter,
    ...product.extra,
  }),
}

function subscription(name: string): string {
  return `/subscriptions/${uuid(hash(`${enrollment} ${name}`))}`
}
