import type { Column } from './format.ts'
import { focusColumns } from './focus/focus.ts'
import { dropped14, every } from './focus/versions.ts'

/** JSON documents are text, times are UTC, decimals are exact. */
type LakeType = 'VARCHAR' | 'DECIMAL(38,18)' | 'TIMESTAMP'

const typeOf: Record<Column['type'], LakeType> = {
  text: 'VARCHAR',
  tags: 'VARCHAR',
  decimal: 'DECIMAL(38,18)',
  time: 'TIMESTAMP',
  month: 'VARCHAR',
}

/** All columns that a mapping may return, in the order of the lake's files; `x_Format` is the format of the bill. */
export const lakeColumns: readonly { name: string; type: LakeType }[] = [
  ...[...focusColumns['1.4'], ...dropped14].map((name) => ({ name, type: typeOf[every[name]?.type ?? 'text'] })),
  { name: 'x_Format', type: 'VARCHAR' },
]

/** Columns that are never NULL in the lake. */
export const mandatory: readonly string[] = [
  'BilledCost',
  'EffectiveCost',
  'BillingAccountId',
  'BillingCurrency',
  'BillingPeriodStart',
  'BillingPeriodEnd',
  'ChargePeriodStart',
  'ChargePeriodEnd',
  'ChargeCategory',
  'ServiceProviderName',
]
