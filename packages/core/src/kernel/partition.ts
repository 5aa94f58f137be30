/** The kinds of partitions, and the datasets of which a version of each kind has files. */
export const datasetsOf = {
  /** The bill of one billing account for one billing period. */
  bill: ['costs', 'cost_rollup'],
  /** The resources that an account has now. */
  inventory: ['resources'],
  /** The use of an account's resources on one day. */
  utilization: ['utilization'],
} as const
export type Kind = keyof typeof datasetsOf
export type Dataset = (typeof datasetsOf)[Kind][number]

/** Parquet files by dataset: paths on this machine, or keys below the organization's prefix. */
export type FilesOf<K extends Kind> = Record<(typeof datasetsOf)[K][number], string[]>

/** The files of every dataset that a selection of versions has. */
export function filesByDataset(
  versions: readonly { files: Partial<Record<Dataset, string[]>> }[],
): Record<Dataset, string[]> {
  const of = (dataset: Dataset) => versions.flatMap(({ files }) => files[dataset] ?? [])
  return {
    costs: of('costs'),
    cost_rollup: of('cost_rollup'),
    resources: of('resources'),
    utilization: of('utilization'),
  }
}

/** A partition of bills, the unit of replacement: the bill of one account for one billing period, whichever source it came from. */
export interface Partition {
  /** As FOCUS names it: `AWS`, `Microsoft`, `Google Cloud` ... */
  provider: string
  billingAccountId: string
  /** The billing period's first month, `YYYY-MM`. */
  period: string
}

/** A partition of bills as one string: its id in tables and the folder of its files. */
export function key({ provider, billingAccountId, period }: Partition): string {
  return [provider, billingAccountId, period].map(encodeURIComponent).join('/')
}

/** The inverse of {@link key}. */
export function parse(text: string): Partition {
  const [provider = '', billingAccountId = '', period = ''] = text.split('/').map(decodeURIComponent)
  return { provider, billingAccountId, period }
}
