import type { Plan } from '../company/plan.ts'
import type { Column, Fields } from '../values/columns.ts'
import * as Day from '../values/day.ts'

/** One billing period of one account, and the fields that all its rows share. */
export interface Period {
  plan: Plan
  layout: readonly Column[]
  month: Day.Month
  /** The number of the month in the window, from 0. */
  index: number
  /** The day after the last day that the sample covers. An open month ends before its calendar end. */
  end: Day.Day
  fields: Fields
}

/** The billing periods of a plan, in order. An open month has no invoice yet. */
export function periodsOf(plan: Plan, layout: readonly Column[]): Period[] {
  const periods: Period[] = []
  for (let month = Day.month(plan.window.start); month.start < plan.window.end; month = Day.month(month.end)) {
    const isClosed = month.end <= plan.window.end
    periods.push({
      plan,
      layout,
      month,
      index: periods.length,
      end: Math.min(month.end, plan.window.end),
      fields: {
        BillingPeriodStart: Day.instant(month.start),
        BillingPeriodEnd: Day.instant(month.end),
        InvoiceId: isClosed ? plan.account.invoiceId(month.period) : '',
      },
    })
  }
  return periods
}
