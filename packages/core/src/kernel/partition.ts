export const datasetsOf = {
  /** Of a billing account for a billing period. */
  bill: ['costs', 'cost_rollup'],
  /** Of an account, now, and what changed in the last months. */
  inventory: ['resources', 'resource_changes'],
  /** Of an account on one day. */
  utilization: ['utilization'],
} as const
export type Kind = keyof typeof datasetsOf
export const kinds = Object.keys(datasetsOf) as Kind[]
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

// Encoding leaves no `=` in a name, so these keys differ from those of bills.
const preliminary = 'kind=preliminary/'

/** Id in tables, and folder of the files. */
export function key({ provider, billingAccountId, period }: Partition): string {
  return [provider, billingAccountId, period].map(encodeURIComponent).join('/')
}

/** Of the costs of a query API, which never mix with a bill. */
export function preliminaryKey(partition: Partition): string {
  return preliminary + key(partition)
}

/** Of the part of a bill that an export of one account covers. */
export function partKey(partition: Partition, scope: string): string {
  return `${key(partition)}/${encodeURIComponent(scope)}`
}

/** The beginning of all keys of preliminary costs of a provider. */
export function preliminaryPrefix(provider: string): string {
  return `${preliminary}${encodeURIComponent(provider)}/`
}

/** Of another kind than bills. */
export function keyOfKind(kind: Exclude<Kind, 'bill'>, ...parts: string[]): string {
  return [`kind=${kind}`, ...parts.map(encodeURIComponent)].join('/')
}

export function kindOf(key: string): Kind {
  const kind = /^kind=(\w+)\//.exec(key)?.[1]
  return kind === 'inventory' || kind === 'utilization' ? kind : 'bill'
}

/** Of a bill, also of a preliminary one. */
export function parse(text: string): Partition {
  const [provider = '', billingAccountId = '', period = ''] = text
    .replace(preliminary, '')
    .split('/')
    .map(decodeURIComponent)
  return { provider, billingAccountId, period }
}
