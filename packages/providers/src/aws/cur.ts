import type { Column, Format } from '../format.ts'
import { keysOf } from '../headers.ts'
import { sql } from '../sql.ts'

const text: Column = { type: 'text' }
const decimal: Column = { type: 'decimal' }
const must = (column: Column): Column => ({ ...column, required: true, notNull: true })

/**
 * The columns that are read, by Athena's names; a legacy CSV has `lineItem/UnblendedCost`.
 * https://docs.aws.amazon.com/cur/latest/userguide/data-dictionary.html
 */
const athena: Record<string, Column> = {
  bill_billing_entity: text,
  bill_billing_period_end_date: { type: 'time' },
  bill_billing_period_start_date: must({ type: 'time' }),
  bill_invoice_id: text,
  bill_invoicing_entity: text,
  bill_payer_account_id: must(text),
  bill_payer_account_name: text,
  line_item_availability_zone: text,
  line_item_currency_code: must(text),
  line_item_legal_entity: text,
  line_item_line_item_description: text,
  line_item_line_item_type: must(text),
  line_item_net_unblended_cost: decimal,
  line_item_product_code: text,
  line_item_resource_id: text,
  line_item_unblended_cost: must(decimal),
  line_item_unblended_rate: text,
  line_item_usage_account_id: text,
  line_item_usage_account_name: text,
  line_item_usage_amount: decimal,
  line_item_usage_end_date: { type: 'time' },
  line_item_usage_start_date: must({ type: 'time' }),
  line_item_usage_type: text,
  pricing_currency: text,
  pricing_public_on_demand_cost: decimal,
  pricing_public_on_demand_rate: text,
  pricing_rate_code: text,
  pricing_unit: text,
  product_location: text,
  product_location_type: text,
  product_product_name: text,
  product_region: text,
  product_region_code: text,
  product_servicename: text,
  product_sku: text,
  reservation_effective_cost: decimal,
  reservation_net_effective_cost: decimal,
  reservation_net_unused_amortized_upfront_fee_for_billing_period: decimal,
  reservation_net_unused_recurring_fee: decimal,
  reservation_reservation_a_r_n: text,
  reservation_unused_amortized_upfront_fee_for_billing_period: decimal,
  reservation_unused_recurring_fee: decimal,
  savings_plan_net_savings_plan_effective_cost: decimal,
  savings_plan_savings_plan_a_r_n: text,
  savings_plan_savings_plan_effective_cost: decimal,
  savings_plan_total_commitment_to_date: decimal,
  savings_plan_used_commitment: decimal,
  split_line_item_parent_resource_id: text,
}

/** Map columns of CUR 2.0. Legacy reports have a column per key. */
const maps: Record<string, Column> = {
  product: { type: 'tags' },
  resource_tags: { type: 'tags' },
  tags: { type: 'tags' },
}

const columns: Record<string, Column> = { ...athena, ...maps }

/** The columns that only CUR 2.0 has. */
const marksOf2 = keysOf([
  'bill_payer_account_name',
  'line_item_usage_account_name',
  'product',
  'resource_tags',
  'tags',
  'cost_category',
  'discount',
])

function isCur(headers: ReadonlySet<string>) {
  return [...headers].some((header) => header.startsWith('lineitem'))
}

const mapping = sql('./aws/cur.sql')
const control = sql('./aws/control.sql')

function cur(id: string, title: string, is2: boolean): Format {
  return {
    id,
    title,
    columns,
    times: {
      start: 'bill_billing_period_start_date',
      end: 'bill_billing_period_end_date',
      charge: 'line_item_usage_start_date',
    },
    currency: 'line_item_currency_code',
    adds: `ChargeDescription = 'Savings Plans usage and its negation, not cancelled'`,
    leavesOut: 'split_line_item_parent_resource_id IS NOT NULL',
    tagHeader: /^resource(?:Tags\/|_tags_)(?:user[:_])?(.+)$/i,
    matches: (headers) => isCur(headers) && !marksOf2.isDisjointFrom(headers) === is2,
    mapping: `SELECT '${id}' AS x_Format, * FROM (${mapping})`,
    control,
  }
}

/** One mapping fits all, because 2.0 renamed few columns. */
export const awsFormats: readonly Format[] = [
  cur('aws-cur-2.0', 'AWS CUR 2.0', true),
  cur('aws-cur-legacy', 'AWS CUR (legacy)', false),
]
