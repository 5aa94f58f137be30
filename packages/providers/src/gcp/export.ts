import type { Column, Format } from '../format.ts'
import { sql } from '../sql.ts'

const text: Column = { type: 'text' }
const decimal: Column = { type: 'decimal' }
const must = (column: Column): Column => ({ ...column, required: true, notNull: true })

/**
 * The columns that are read. Nested fields are joined by marks: `service.description`, `service_description`.
 * https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/detailed-usage
 */
const columns: Record<string, Column> = {
  adjustment_info_description: text,
  adjustment_info_id: text,
  adjustment_info_mode: text,
  adjustment_info_type: text,
  billing_account_id: must(text),
  consumption_model_description: text,
  consumption_model_id: text,
  cost: must(decimal),
  cost_at_effective_price_default: decimal,
  cost_at_list: decimal,
  cost_type: text,
  credits: { type: 'tags', required: true },
  currency: must(text),
  invoice_month: must({ type: 'month' }),
  labels: { type: 'tags' },
  location_region: text,
  location_zone: text,
  price_effective_price: decimal,
  price_list_price: decimal,
  price_tier_start_amount: text,
  project_id: text,
  project_name: text,
  resource_global_name: text,
  resource_name: text,
  seller_name: text,
  service_description: text,
  service_id: text,
  sku_description: text,
  sku_id: text,
  subscription_instance_id: text,
  transaction_type: text,
  usage_amount: decimal,
  usage_amount_in_pricing_units: decimal,
  usage_end_time: { type: 'time' },
  usage_pricing_unit: text,
  usage_start_time: must({ type: 'time' }),
  usage_unit: text,
}

/** By the name of its table, which an extract usually keeps, or by the columns that only the detailed export has. */
function exportOf(name: string, headers: ReadonlySet<string> | undefined) {
  const table = /gcp_billing_export_(resource_)?v1/.exec(name)
  if (table) return table[1] === undefined ? 'standard' : 'detailed'
  return headers && (headers.has('resourcename') || headers.has('resourceglobalname') ? 'detailed' : 'standard')
}

/** Google Cloud's billing export of BigQuery: standard, and detailed, which adds resources and prices. */
export const gcpFormats: readonly Format[] = [
  {
    id: 'gcp-export',
    title: "Google Cloud's billing export",
    columns,
    currency: 'currency',
    times: { start: 'invoice_month', end: 'invoice_month', charge: 'usage_start_time' },
    exportOf,
    matches: (headers) => headers.has('invoicemonth') && headers.has('usagestarttime'),
    mapping: `SELECT 'gcp-export' AS x_Format, * FROM (${sql('./gcp/export.sql')})`,
    control: sql('./gcp/control.sql'),
  },
]
