import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** The content of a lake as sorted lines of text; amounts are plain decimals. */
export interface LakeContent {
  /** A line for each partition, from its snapshot. */
  view: string[]
  /** A line for each partition, summed from the rollup's Parquet. */
  rollup: string[]
  /** A line for each row, read from the Parquet of the costs. */
  rows: string[]
}

interface Row {
  id: string
  provider: string
  account: string
  currency: string
  month: string
  day: string
  /** In units of 10^-18. */
  billed: bigint
  effective: bigint
}

const providers = [
  { provider: 'AWS', account: '100000000001', currency: 'USD', file: 'aws.csv' },
  { provider: 'Microsoft', account: 'm-200000000002', currency: 'EUR', file: 'microsoft.csv.gz' },
]
const months = ['2024-09', '2024-10']
export const partitionCount = providers.length * months.length

const header =
  'BilledCost,EffectiveCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ProviderName,Tags'

/** Writes the delivery's two files. Returns the expected lake content; the versions differ in every amount. */
export async function writeBill(folder: string, version: 1 | 2): Promise<{ paths: string[]; expected: LakeContent }> {
  await mkdir(folder, { recursive: true })
  const rows = rowsOf(version)
  const paths: string[] = []
  for (const { provider, file } of providers) {
    const text = [header, ...rows.filter((row) => row.provider === provider).map(line), ''].join('\n')
    const path = join(folder, file)
    await writeFile(path, file.endsWith('.gz') ? gzipSync(text) : text)
    paths.push(path)
  }
  return { paths, expected: expectedOf(rows, version) }
}

function rowsOf(version: 1 | 2): Row[] {
  const amount = amounts(version)
  return providers.flatMap(({ provider, account, currency }) =>
    months.flatMap((month, index) =>
      Array.from({ length: 66 + 3 * index + 2 * version }, (_, i): Row => {
        const id = `${provider}-${month}-${String(i).padStart(3, '0')}`
        return {
          id,
          provider,
          account,
          currency,
          month,
          day: String(1 + (i % 27)).padStart(2, '0'),
          billed: amount(),
          effective: amount(),
        }
      }),
    ),
  )
}

/** Pseudo-random amounts of both signs, in units of 10^-18. */
function amounts(seed: number): () => bigint {
  let state = BigInt(seed) * 0x9e3779b97f4a7c15n
  return () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn
    return ((state >> 8n) % 40_000_000_000_000_000_000n) - 4_000_000_000_000_000_000n
  }
}

function line({ id, provider, account, currency, month, day, billed, effective }: Row): string {
  const [next, after] = [String(Number(month.slice(5)) + 1).padStart(2, '0'), String(Number(day) + 1).padStart(2, '0')]
  const period = `${month}-01T00:00:00Z,2024-${next}-01T00:00:00Z,${month}-${day}T00:00:00Z,${month}-${after}T00:00:00Z`
  return `${plain(billed)},${plain(effective)},${account},${currency},${period},Usage,${provider},"{""row"":""${id}""}"`
}

function expectedOf(rows: Row[], version: number): LakeContent {
  const sum = (some: Row[], metric: 'billed' | 'effective'): string =>
    plain(some.reduce((total, row) => total + row[metric], 0n))
  const partitions = [...Map.groupBy(rows, ({ provider, account, month }) => `${provider}/${account}/${month}`)]
  const sums = partitions.map(([key, some]) => ({
    key,
    currency: some[0]?.currency,
    rows: some.length,
    billed: sum(some, 'billed'),
    effective: sum(some, 'effective'),
  }))
  return {
    view: sums
      .map(
        ({ key, currency, rows, billed, effective }) =>
          `${key} v${version}: ${rows} rows, ${billed} ${effective} ${currency}`,
      )
      .toSorted(),
    rollup: sums
      .map(({ key, currency, rows, billed, effective }) => `${key}: ${rows} rows, ${billed} ${effective} ${currency}`)
      .toSorted(),
    rows: rows
      .map(
        ({ id, month, day, currency, billed, effective }) =>
          `${id} ${month}-${day}: ${plain(billed)} ${plain(effective)} ${currency}`,
      )
      .toSorted(),
  }
}

function plain(amount: bigint): string {
  const digits = String(amount < 0n ? -amount : amount).padStart(19, '0')
  const decimals = digits.slice(-18).replace(/0+$/, '')
  return `${amount < 0n ? '-' : ''}${digits.slice(0, -18)}${decimals && `.${decimals}`}`
}
