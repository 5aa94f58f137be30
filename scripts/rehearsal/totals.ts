import { isDeepStrictEqual } from 'node:util'
import type { Ask } from './api.ts'

/** Billed cost in the FOCUS sample: the exact sums of its column. One charge of Oracle is on the bill of October. */
export const expected = { AWS: '18.0066386184', Microsoft: '1.97651418586', Oracle: '0.53707392473' }

interface Reconciliation {
  reconciled: boolean
  lines: {
    provider: string
    our_total_exact: string
    bill_total_exact: string
    our_rows: number
    withheld: { account_id: string; rows: number; billed: string }[]
  }[]
}

/** Checks that every bill equals its total, with the withheld costs of one account. */
export async function reconcile(user: Ask, withheld?: { accountId: string; rows: number }): Promise<void> {
  const answers = await Promise.all(
    ['2024-09', '2024-10'].map(
      async (period) => await user<Reconciliation>('GET', `/v1/costs/reconciliation?period=${period}`, 200),
    ),
  )
  if (!answers.every(({ reconciled }) => reconciled)) throw new Error(`not reconciled: ${JSON.stringify(answers)}`)
  const lines = answers.flatMap((answer) => answer.lines)
  const byProvider = Map.groupBy(lines, ({ provider }) => provider)
  const ours = (found: Reconciliation['lines']): string =>
    sum(found.flatMap((line) => [line.our_total_exact, ...line.withheld.map(({ billed }) => billed)]))
  expectEqual(Object.fromEntries([...byProvider].map(([provider, found]) => [provider, ours(found)])), expected, 'ours')
  expectEqual(
    Object.fromEntries(
      [...byProvider].map(([provider, found]) => [provider, sum(found.map((line) => line.bill_total_exact))]),
    ),
    expected,
    'bill',
  )
  const out = lines.flatMap((line) => line.withheld)
  expectEqual(
    [...new Set(out.map(({ account_id }) => account_id))],
    withheld ? [withheld.accountId] : [],
    'withheld accounts',
  )
  const withheldRows = out.reduce((total, { rows }) => total + rows, 0)
  expectEqual(withheldRows, withheld?.rows ?? 0, 'withheld rows')
  expectEqual(
    lines.reduce((total, line) => total + line.our_rows, withheldRows),
    1000,
    'rows',
  )
}

const decimals = 18

/** The exact sum, without trailing zeros. */
export function sum(amounts: string[]): string {
  const total = amounts.reduce((sum, amount) => {
    const [whole = '', fraction = ''] = amount.split('.')
    return sum + BigInt(whole + fraction.padEnd(decimals, '0'))
  }, 0n)
  const digits = total.toString().padStart(decimals + 1, '0')
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`.replace(/\.?0+$/, '')
}

export function expectEqual(found: unknown, wanted: unknown, what: string): void {
  if (!isDeepStrictEqual(found, wanted))
    throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`)
}
