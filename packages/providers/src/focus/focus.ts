import type { Column, Format } from '../format.ts'
import { hasAny } from '../headers.ts'
import { sql } from '../sql.ts'
import { accountTypes, added11, added12, added13, added14, columns10, dropped14, every } from './versions.ts'

const mapping = sql('./focus/focus.sql')
const control = sql('./focus/control.sql')

/** ProviderName is required up to 1.2, its successor ServiceProviderName from 1.3. */
const oldName: Record<string, Column> = { ...every, ...columns10 }
const newName: Record<string, Column> = { ...every, ...columns10, ...added13, ProviderName: { type: 'text' } }

type Version = '1.0' | '1.1' | '1.2' | '1.3' | '1.4'

/**
 * The version follows from the newest columns of the file. Every version only added columns, until 1.4 dropped
 * ProviderName.
 */
function versionOf(headers: ReadonlySet<string>): Version {
  const hasOldNames = headers.has('providername') || headers.has('publishername')
  if (hasAny(added14, headers)) return '1.4'
  if (hasAny(added13, headers)) return hasOldNames ? '1.3' : '1.4'
  if (hasAny(added12, headers)) return '1.2'
  return hasAny(added11, headers) ? '1.1' : '1.0'
}

function focus(id: string, version: Version, columns: Record<string, Column>, content?: string): Format {
  return {
    id,
    title: `FOCUS ${id.slice('focus-'.length)}`,
    columns,
    times: { start: 'BillingPeriodStart', end: 'BillingPeriodEnd', charge: 'ChargePeriodStart' },
    currency: 'BillingCurrency',
    matches: (headers) => versionOf(headers) === version,
    ...(content === undefined ? {} : { content }),
    mapping: `SELECT '${id}' AS x_Format, * FROM (${mapping})`,
    control,
  }
}

/** FOCUS Cost and Usage: all ratified versions, and Microsoft's second release of 1.0. */
export const focusFormats: readonly Format[] = [
  focus('focus-1.0r2', '1.0', oldName, sql('./focus/release-2.sql')),
  focus('focus-1.0', '1.0', oldName),
  focus('focus-1.1', '1.1', oldName),
  focus('focus-1.2', '1.2', oldName),
  focus('focus-1.3', '1.3', newName),
  focus('focus-1.4', '1.4', newName),
]

const upTo12 = [columns10, added11, added12, accountTypes]
const upTo14 = [...upTo12, added13, added14]
const names = (columns: Record<string, Column>[]) => columns.flatMap((added) => Object.keys(added)).toSorted()

export const focusColumns: Record<Version, readonly string[]> = {
  '1.0': names([columns10]),
  '1.1': names([columns10, added11]),
  '1.2': names(upTo12),
  '1.3': names([...upTo12, added13]),
  '1.4': names(upTo14).filter((name) => !dropped14.includes(name)),
}
