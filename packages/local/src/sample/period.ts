import type { Column, Fields } from './columns.ts'
import * as Day from './day.ts'
import type { Plan } from './plan.ts'

/** One billing period of one account, and what all its rows have in common. */
export interface Period {
  plan: Plan
  layout: readonly Column[]
  month: Day.Month
  /** Counted from the window's start. */
  index: number
  /** The month's days that the sample covers: the last month may be open. */
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
