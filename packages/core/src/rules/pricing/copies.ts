import type { Cloud } from '../../kernel/cloud.ts'
import type { ResourceKind } from '../../kernel/resource.ts'
import type { Subject } from '../subject.ts'

/** The storage of copies, by its name in price lists. */
const storages: Partial<Record<ResourceKind, Partial<Record<Cloud, string>>>> = {
  volume: { aws: 'EBS:SnapshotUsage', azure: 'Snapshots LRS', gcp: 'Storage PD Snapshot' },
  database: { aws: 'RDS:ChargedBackupUsage' },
}

export interface Copied {
  sku: string
  /** Undefined if unknown. */
  sizeGb: number | undefined
}

/**
 * The snapshot of a disk, the copy of it in an image, or the last snapshot of a database; undefined for other kinds. Its
 * size is at most that of the original: it holds the written blocks, and the cloud does not tell their number before.
 */
export function copyOf({ kind, cloud, sizeGb }: Pick<Subject, 'kind' | 'cloud' | 'sizeGb'>): Copied | undefined {
  const sku = storages[kind]?.[cloud]
  return sku === undefined ? undefined : { sku, sizeGb }
}
