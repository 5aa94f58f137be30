import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Access, BillDelivery } from '../effects/clouds.ts'
import { Fault } from '../kernel/fault.ts'
import type { MemoryRuntime } from './runtime.ts'

/** The accounts of the simulation: P pays for M, S pays for itself, and L exports only later. */
export const accounts = {
  '000000000001': { payer: '000000000001', isLate: false },
  '000000000002': { payer: '000000000001', isLate: true },
  '000000000003': { payer: '000000000003', isLate: false },
  '000000000004': { payer: '000000000004', isLate: true },
} as const
export type Account = keyof typeof accounts

interface Month {
  /** The charge of each account so far, in 10^-9 of the currency. */
  charges: Map<Account, bigint>
  /** What the newest export says, by payer. */
  exported: Map<Account, { total: bigint; version: number }>
}

/** A cloud with bills that grow, are restated, and are exported now and then. Its faults come from `random`. */
export class SimulatedBills {
  readonly months = new Map<string, Month>()
  readonly exporting = new Set<Account>()
  faults = 0
  private readonly random: () => number

  constructor(random: () => number) {
    this.random = random
    for (const account of this.all()) if (!accounts[account].isLate && random() < 0.5) this.exporting.add(account)
  }

  all(): Account[] {
    return Object.keys(accounts) as Account[]
  }

  /** Charges of a step of time; sometimes an earlier month is restated, also to less. */
  charge(month: string): void {
    if (!this.months.has(month)) this.months.set(month, { charges: new Map(), exported: new Map() })
    for (const [name, { charges }] of this.months) {
      if (name !== month && this.random() > 0.1) continue
      for (const account of this.all()) {
        const change = BigInt(Math.floor(this.random() * 1e12)) - (name === month ? 0n : 500_000_000_000n)
        charges.set(account, (charges.get(account) ?? 0n) + change)
      }
    }
  }

  /** A payer's export covers its members. Members never export in this simulation. */
  export(): void {
    for (const { charges, exported } of this.months.values())
      for (const payer of this.exporting) {
        if (accounts[payer].payer !== payer) continue
        const own = this.all().filter((account) => accounts[account].payer === payer)
        const total = own.reduce((sum, account) => sum + (charges.get(account) ?? 0n), 0n)
        const before = exported.get(payer)
        if (before?.total !== total) exported.set(payer, { total, version: (before?.version ?? 0) + 1 })
      }
  }

  /** The lines that the lake must have once all was collected: `account period amount`. */
  invoice(): string[] {
    return [...this.months].flatMap(([period, { exported }]) =>
      [...exported].map(([payer, { total }]) => `${payer} ${period} ${amountOf(total)}`),
    )
  }

  provider(): MemoryRuntime['cloud'] {
    const [bills, preliminary] = [this.bills.bind(this), this.preliminary.bind(this)]
    const nothing = async function* () {}
    return { bills, preliminary, inventory: nothing, utilization: nothing, prices: nothing }
  }

  /** The query API of a payer has the costs of its members. */
  answered(account: Account, charges: ReadonlyMap<Account, bigint>): bigint {
    const own = this.all().filter((each) => each === account || accounts[each].payer === account)
    return own.reduce((sum, each) => sum + (charges.get(each) ?? 0n), 0n)
  }

  private fail(): void {
    if (this.random() >= this.faults) return
    const kinds = ['unavailable', 'rate_limited', 'forbidden', 'conflict'] as const
    const kind = kinds[Math.floor(this.random() * kinds.length)] ?? 'unavailable'
    throw kind === 'conflict' ? new Error('connection cut') : new Fault(kind, `the cloud says ${kind}`, [], 90)
  }

  private async *bills({ credentials, meter }: Access): AsyncGenerator<BillDelivery> {
    const payer = accountOf(credentials)
    for (const [period, { exported }] of [...this.months].toReversed()) {
      await meter.take({ api: 's3:GetObject', bytes: 10 })
      this.fail()
      const offered = exported.get(payer)
      if (!offered) continue
      const fetch = async (folder: string) => {
        this.fail()
        // The cloud may restate the bill while it is fetched.
        if (this.random() < this.faults)
          exported.set(payer, { total: offered.total + 1n, version: offered.version + 1 })
        const now = exported.get(payer)
        if (now !== offered) throw new Fault('conflict', 'The bill was restated, and is fetched again.')
        return [await written(folder, `${payer} ${period} ${amountOf(offered.total)}`)]
      }
      yield { id: `focus/daily/${period}`, period, version: String(offered.version), fetch }
    }
  }

  private async *preliminary({ credentials, meter }: Access): AsyncGenerator<BillDelivery> {
    const account = accountOf(credentials)
    for (const [period, { charges }] of [...this.months].slice(-2)) {
      await meter.take({ api: 'ce:GetCostAndUsage', price: '0.01' })
      this.fail()
      const line = `${account} ${period} ${amountOf(this.answered(account, charges))}`
      const preliminary = { accountId: account, payerId: accounts[account].payer }
      yield {
        id: `query/${period}`,
        period,
        version: line,
        preliminary,
        fetch: async (folder) => [await written(folder, line)],
      }
    }
  }
}

function accountOf(credentials: Access['credentials']): Account {
  return (credentials.cloud === 'aws' ? credentials.roleArn.split(':')[4] : '') as Account
}

export function amountOf(billionths: bigint): string {
  const sign = billionths < 0n ? '-' : ''
  const digits = String(billionths < 0n ? -billionths : billionths).padStart(10, '0')
  return `${sign}${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/, '')
}

async function written(folder: string, line: string) {
  const path = join(folder, 'bill')
  await writeFile(path, line)
  return { name: 'bill', path }
}
