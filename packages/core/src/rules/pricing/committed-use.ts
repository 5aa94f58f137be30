import * as Money from '../../kernel/money.ts'
import type { MonthlyCost, Part, UnusedPercent } from '../subject.ts'

/** Fees of Google Cloud's resource-based commitments, or usage that they cover, in one complete month. */
export interface CommittedRow {
  payer: string
  region: string
  meter: string
  unit: string
  currency: string
  isFee: boolean
  /** Projects. */
  accounts: readonly string[]
  /** Effective, as an exact decimal. */
  cost: string
  /** What is committed, or covered, in `unit`; null if the bill does not tell it. */
  quantity: string | null
}

/** A commitment as the inventory knows it. */
export interface Committed {
  accountId: string
  region: string
  /** The plan. */
  type?: string
  configuration: Record<string, unknown>
}

type CommittedUse = { cost: MonthlyCost; unused: UnusedPercent }
type What = keyof UnusedPercent

/** What all commitments of a payer, region and series have of one resource. */
interface Pool {
  currency: string
  committed: Money.Amount
  covered: Money.Amount
  /** By years. */
  fees: Map<string, { cost: Money.Amount; quantity: Money.Amount }>
}

/** The series by the type of a commitment, and by its name in meters of fees and of usage. */
const series: readonly (readonly [type: string, fee: string, usage: string])[] = [
  ['GENERAL_PURPOSE', '', 'N1'],
  ['GENERAL_PURPOSE_N2', 'N2', 'N2'],
  ['GENERAL_PURPOSE_N2D', 'N2D AMD', 'N2D AMD'],
  ['GENERAL_PURPOSE_E2', 'E2', 'E2'],
  ['GENERAL_PURPOSE_N4', 'N4', 'N4'],
  ['GENERAL_PURPOSE_T2D', 'T2D AMD', 'T2D AMD'],
  ['COMPUTE_OPTIMIZED', 'Compute optimized', 'Compute optimized'],
  ['COMPUTE_OPTIMIZED_C2D', 'C2D AMD', 'C2D AMD'],
  ['COMPUTE_OPTIMIZED_C3', 'C3', 'C3'],
]
const typeOfFee = new Map(series.map(([type, fee]) => [fee, type]))
// A custom machine without the name of a series is of N1.
const typeOfUsage = new Map([...series.map(([type, , usage]) => [usage, type] as const), ['', 'GENERAL_PURPOSE']])

/** `Commitment v1: N2D AMD Cpu in Frankfurt for 1 Year` */
const ofFee = /^Commitment v1: (?:(.+) )?(Cpu|Ram) in .+ for ([13]) Years?$/i
/** `N2 Custom Instance Core running in Frankfurt` */
const ofUsage =
  /^(?:(.*?) ?)(?:Predefined |Custom )?(?:Extended )?(?:Sole Tenancy )?(?:Instance )?(Core|Ram) running in /i
const units: Record<What, string> = { cores: 'Hours', memory: 'GiB-Hours' }
const years: Partial<Record<string, string>> = { TWELVE_MONTH: '1', THIRTY_SIX_MONTH: '3' }
const whatOf = (word = ''): What => (word.toLowerCase() === 'ram' ? 'memory' : 'cores')
const hoursOf30Days = '720'
const digits = 15

/**
 * The costs of a commitment in 30 days, by use, and what is unused. Google Cloud's bills do not tell which commitment covers usage;
 * they tell it exactly by payer, region, series and resource: the committed quantity from the fees, the covered one from the
 * credits. Each commitment has its share of the unused part. Undefined: the bills do not tell it.
 */
export function committedUseOf(rows: readonly CommittedRow[]): (commitment: Committed) => CommittedUse | undefined {
  const { pools, unclear } = poolsOf(rows)
  return ({ accountId, region, type = '', configuration: { type: kind, resources } }) => {
    const [payer, ...others] = new Set(rows.flatMap((row) => (row.accounts.includes(accountId) ? row.payer : [])))
    const term = years[type]
    if (payer === undefined || others.length > 0 || term === undefined || !Array.isArray(resources)) return undefined
    if (unclear.has(placeOf({ payer, region })) || resources.length === 0) return undefined
    const unused: UnusedPercent = {}
    const [own, idle, currencies]: [Money.Amount[], Money.Amount[], Set<string>] = [[], [], new Set()]
    for (const resource of resources) {
      const amount = amountOf(resource)
      const pool = amount && pools.get(`${placeOf({ payer, region })} ${String(kind)} ${amount.what}`)
      const fee = pool?.fees.get(term)
      if (!amount || !pool || !fee || fee.quantity.lte(0)) return undefined
      const cost = Money.quotient(amount.count.times(hoursOf30Days).times(fee.cost), fee.quantity, digits)
      const free = pool.committed.minus(pool.covered)
      const share = free.gt(0) ? Money.quotient(free, pool.committed, digits) : Money.zero
      unused[amount.what] = Money.percentOf(share, Money.one)
      own.push(cost.times(Money.one.minus(share)))
      idle.push(cost.times(share))
      currencies.add(pool.currency)
    }
    const [currency = '', ...rest] = currencies
    if (rest.length > 0) return undefined
    const part = (name: Part, costs: readonly Money.Amount[]) => ({ part: name, cost: Money.plain(Money.sum(costs)) })
    return { cost: { currency, parts: [part('commitment', own), part('commitment_unused', idle)] }, unused }
  }
}

const placeOf = ({ payer, region }: Pick<CommittedRow, 'payer' | 'region'>) => `${payer} ${region}`

/** `unclear`: places with covered usage whose meter or quantity is not known, so that it may belong to any series. */
function poolsOf(rows: readonly CommittedRow[]) {
  const pools = new Map<string, Pool>()
  const unclear = new Set<string>()
  for (const row of rows) {
    const found = row.isFee ? feeOf(row.meter) : usageOf(row.meter)
    // Of GPUs and local disks.
    if (!found && !/\b(?:core|ram|cpu|memory)\b/i.test(row.meter)) continue
    if (!found && row.isFee) continue
    if (!found || row.quantity === null || units[found.what] !== row.unit) {
      unclear.add(placeOf(row))
      continue
    }
    const key = `${placeOf(row)} ${found.type} ${found.what}`
    const { currency } = row
    const pool = pools.get(key) ?? { currency, committed: Money.zero, covered: Money.zero, fees: new Map() }
    if (pool.currency !== currency) unclear.add(placeOf(row))
    const quantity = Money.parse(row.quantity)
    if (found.term === undefined) pools.set(key, { ...pool, covered: pool.covered.plus(quantity) })
    else {
      const fee = pool.fees.get(found.term) ?? { cost: Money.zero, quantity: Money.zero }
      pool.fees.set(found.term, { cost: fee.cost.plus(row.cost), quantity: fee.quantity.plus(quantity) })
      pools.set(key, { ...pool, committed: pool.committed.plus(quantity) })
    }
  }
  return { pools, unclear }
}

interface Metered {
  type: string
  what: What
  /** Of a fee: its years. */
  term?: string
}

function feeOf(meter: string): Metered | undefined {
  const [, name = '', word, term] = ofFee.exec(meter) ?? []
  const type = typeOfFee.get(name)
  return type === undefined || term === undefined ? undefined : { type, what: whatOf(word), term }
}

function usageOf(meter: string): Metered | undefined {
  const [, name, word] = ofUsage.exec(meter) ?? []
  const type = name === undefined ? undefined : typeOfUsage.get(name)
  return type === undefined ? undefined : { type, what: whatOf(word) }
}

/** Cores, or GiB of memory, which Google tells in MB of 2^20 bytes. */
function amountOf(resource: unknown): { what: What; count: Money.Amount } | undefined {
  const { type, amount } = resource as { type?: unknown; amount?: unknown }
  if (typeof amount !== 'string' || !/^\d+$/.test(amount)) return undefined
  if (type === 'VCPU') return { what: 'cores', count: Money.parse(amount) }
  return type === 'MEMORY'
    ? { what: 'memory', count: Money.quotient(Money.parse(amount), Money.parse('1024'), digits) }
    : undefined
}
