export const datasetsOf = {
  /** Of a billing account for a billing period. */
  bill: ['costs', 'cost_rollup'],
  /** Of an account, now. */
  inventory: ['resources'],
  /** Of an account on one day. */
  utilization: ['utilization'],
} as const
export type Kind = keyof typeof datasetsOf
export type Dataset = (typeof datasetsOf)[Kind][number]

/** Local paths, or keys. */
export type FilesOf<K extends Kind> = Record<(typeof datasetsOf)[K][number], string[]>

export function filesByDataset(
  versions: readonly { files: Partial<Record<Dataset, string[]>> }[],
): Record<Dataset, string[]> {
  const all = Object.values(datasetsOf).flat()
  const of = (dataset: Dataset) => versions.flatMap(({ files }) => files[dataset] ?? [])
  return Object.fromEntries(all.map((dataset) => [dataset, of(dataset)])) as Record<Dataset, string[]>
}

/** Of one billing account for one billing period, from any source. */
export interface Partition {
  provider: string
  billingAccountId: string
  period: string
}

/** Id in tables, and folder of the files. */
export function key({ provider, billingAccountId, period }: Partition): string {
  return [provider, billingAccountId, period].map(encodeURIComponent).join('/')
}

export function parse(text: string): Partition {
  const [provider = '', billingAccountId = '', period = ''] = text.split('/').map(decodeURIComponent)
  return { provider, billingAccountId, period }
}
