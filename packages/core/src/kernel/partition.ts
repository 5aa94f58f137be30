/** The unit of replacement: one organization's bill of one account for one billing period, whichever source it came from. */
export interface Partition {
  /** As FOCUS names it: `AWS`, `Microsoft`, `Google Cloud` ... */
  provider: string
  billingAccountId: string
  /** The billing period's first month, `YYYY-MM`. */
  period: string
}

/** A partition as one string: its id in tables and the folder of its files. Sorts by period last. */
export function key({ provider, billingAccountId, period }: Partition): string {
  return [provider, billingAccountId, period].map(encodeURIComponent).join('/')
}

/** The inverse of {@link key}. */
export function parse(text: string): Partition {
  const [provider = '', billingAccountId = '', period = ''] = text.split('/').map(decodeURIComponent)
  return { provider, billingAccountId, period }
}
