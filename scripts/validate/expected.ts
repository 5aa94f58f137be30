/** Maps a rule to the reason why it fails. */
export type Reasons = Record<string, string>

/**
 * Defective rules of the validator 2.2.1 (model 1.2.0.1) that no bill can pass. `focus-validator --explain-mode` shows
 * the implementation of each rule.
 */
export const validatorDefects: Reasons = {
  'CapacityReservationStatus-C-004-C':
    'the condition "CapacityReservationId is not null" is missing: the rule requires a status on every row, C-003 on none',
  'CommitmentDiscountStatus-C-004-C':
    'the condition is inverted: the rule requires a status without a commitment, which C-003 forbids',
  'InvoiceId-C-004-C':
    'one of two alternatives of C-003 (no row has an invoice, or all have one): it fails if all have one',
  'InvoiceId-C-005-C': 'the other alternative of C-003: it fails if no row has an invoice yet',
}

/** Columns that FOCUS 1.0 lacks and that cannot be derived. */
const focus10: Reasons = {
  'BillingAccountType-C-005-C': 'FOCUS 1.0 has no BillingAccountType',
  'PricingCurrency-C-004-M': 'FOCUS 1.0 has no PricingCurrency',
  'PricingCurrencyEffectiveCost-C-003-M': 'FOCUS 1.0 has no PricingCurrency, so no cost in it',
  'ServiceName-C-008-C': 'FOCUS 1.0 has no ServiceSubcategory',
  'ServiceSubcategory-C-002-M': 'FOCUS 1.0 has no ServiceSubcategory',
  'SkuMeter-C-005-C': 'FOCUS 1.0 has no SkuMeter',
}
const subAccountType: Reasons = { 'SubAccountType-C-005-C': 'FOCUS 1.0 has no SubAccountType' }

const issuer: Reasons = {
  'BilledCost-C-005-C':
    'AWS invoices in the name of its companies (Amazon Web Services, Inc.); the rule accepts the name "AWS" only',
}

/** By sample and provider: rules that fail because of the source. Any other failure is a defect of the product. */
export const expected: Record<string, Record<string, Reasons>> = {
  'focus-sample': {
    AWS: {
      ...focus10,
      ...subAccountType,
      ...issuer,
      'ConsumedUnit-C-003-O': 'units "GiB/Second-Months" and "Lambda-GB-Seconds" in the file',
      'ContractedUnitPrice-C-009-C': 'a credit with the price -3 in the file',
      'PricingUnit-C-003-O': 'units "GiB/Second-Months" and "Lambda-GB-Seconds" in the file',
      'RegionName-C-005-C': 'two rows with a RegionId and no RegionName in the file',
      'ResourceType-C-004-C': '36 rows with a ResourceType and no ResourceId in the file',
      'ResourceType-C-005-C': '752 rows with a ResourceId and no ResourceType in the file',
      'ServiceName-C-005-C': 'Amazon Elastic Compute Cloud is Compute and Storage in the file',
    },
    Microsoft: { ...focus10, ...subAccountType },
    Oracle: {
      ...focus10,
      ...subAccountType,
      'BillingAccountName-C-003-C': 'no BillingAccountName in the file',
      'ConsumedQuantity-C-004-C': 'two adjustments with a consumed quantity in the file',
      'ContractedCost-C-003-M': 'no ContractedCost in the file, and an unknown cost is not 0',
      'ContractedCost-C-004-M': 'no ContractedCost in the file, and an unknown cost is not 0',
      'RegionName-C-004-C': 'RegionName without RegionId in the file',
    },
  },
  'gcp-focus': { 'Google Cloud': {} },
  'aws-cur-legacy': {
    AWS: {
      ...issuer,
      'BillingAccountName-C-003-C': 'legacy reports have no names of accounts',
      'SubAccountName-C-005-C': 'legacy reports have no names of accounts',
    },
  },
  'azure-actual-amortized': {
    Microsoft: {
      'ListCost-C-003-M': 'a reservation with PayGPrice 0 in the file: its list cost is unknown, not 0',
      'ListCost-C-004-M': 'a reservation with PayGPrice 0 in the file: its list cost is unknown, not 0',
    },
  },
  generated: { AWS: {}, Microsoft: {}, 'Google Cloud': {} },
}
