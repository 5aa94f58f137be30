import { type Bill, type BillChange, Day, type Estate, Random } from '@cloudoptima/sample'
import type { Faults } from './faults.ts'
import { dayOf, timeOf } from './load.ts'

const minuteMs = 60_000

/** One version of a month's bill. */
export interface Version {
  month: string
  /** Differs whenever the bill does. */
  id: string
  modified: Date
  bill(): Bill
}

export interface Versions {
  /** That have begun. */
  months(): string[]
  /** The newest change of any month. */
  modified(): Date
  of(month: string): Version
}

const changesOf = ({ restatements = 0, columns = [], lateDays = [] }: BillChange) =>
  restatements + columns.length + lateDays.length
const afterChanges = (day: Day.Day, changes: number) => new Date(timeOf(day).getTime() + changes * minuteMs)

/** The bills of an account, which grow by the day and change by `faults`. */
export function versionsOf({ estate, now, faults }: { estate: Estate; now(): Date; faults: Faults }): Versions {
  const first = Day.parse(`${estate.firstMonth}-01`)
  const ofAccount = (month: string) => `${estate.account} ${month}`
  const estateChanges = () =>
    Object.entries(faults.bills).flatMap(([key, change]) =>
      key.includes(' ') && !key.startsWith(ofAccount('')) ? [] : change,
    )
  return {
    months: () => [
      ...new Set(Array.from({ length: dayOf(now()) - first }, (_, index) => Day.month(first + index).period)),
    ],
    modified: () =>
      afterChanges(
        dayOf(now()),
        estateChanges().reduce((sum, change) => sum + changesOf(change), 0),
      ),
    of: (month) => {
      const change = faults.bills[ofAccount(month)] ?? faults.bills[month] ?? {}
      const until = Math.min(dayOf(now()), Day.month(Day.parse(`${month}-01`)).end)
      const { restatements = 0, columns = [], lateDays = [] } = change
      const id = Random.hex(Random.hash(JSON.stringify([month, until, restatements, columns, lateDays])), 32)
      return {
        month,
        id,
        modified: afterChanges(until, changesOf(change)),
        bill: () => estate.bill(month, until, change),
      }
    },
  }
}

/** The value of the newest version of each month, made once. */
export function newest<Value>(make: (version: Version) => Value): (version: Version) => Value {
  const kept = new Map<string, { id: string; value: Value }>()
  return (version) => {
    const known = kept.get(version.month)
    if (known?.id === version.id) return known.value
    const value = make(version)
    kept.set(version.month, { id: version.id, value })
    // A disk that was full may have room again.
    if (value instanceof Promise) value.catch(() => kept.delete(version.month))
    return value
  }
}
