/** The kinds of partitions, with the datasets of each. */
export const datasetsOf = {
  /** The bill of one billing account for one billing period. */
  bill: ['costs', 'cost_rollup'],
  /** The current resources of an account. */
  inventory: ['resources'],
  /** The utilization of an account's resources on one day. */
  utilization: ['utilization'],
} as const
export type Kind = keyof typeof datasetsOf
export type Dataset = (typeof datasetsOf)[Kind][number]

/** Parquet files by dataset: local paths, or keys below the organization's prefix. */
export type FilesOf<K extends Kind> = Record<(typeof datasetsOf)[K][number], string[]>

/** Merges the files of several versions. */
export function filesByDataset(
  versions: readonly { files: Partial<Record<Dataset, string[]>> }[],
): Record<Dataset, string[]> {
  const all = Object.values(datasetsOf).flat()
  const of = (dataset: Dataset) => versions.flatMap(({ files }) => files[dataset] ?? [])
  return Object.fromEntries(all.map((dataset) => [dataset, of(dataset)])) as Record<Dataset, string[]>
}

/** The bill of one billing account for one billing period, from any source. */
export interface Partition {
  /** FOCUS ProviderName. */
  provider: string
  billingAccountId: string
  /** First month of the billing period. */
  period: string
}

/** Id of the partition in tables, and folder of its files. */
export function key({ provider, billingAccountId, period }: Partition): string {
  return [provider, billingAccountId, period].map(encodeURIComponent).join('/')
}

/** The inverse of {@link key}. */
export function parse(text: string): Partition {
  const [provider = '', billingAccountId = '', period = ''] = text.split('/').map(decodeURIComponent)
  return { provider, billingAccountId, period }
}
