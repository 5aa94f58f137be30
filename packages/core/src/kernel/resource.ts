/** By the words of the field, not of one cloud. */
export const resourceKinds = [
  'instance',
  'volume',
  'snapshot',
  'image',
  'address',
  'load_balancer',
  'nat_gateway',
  'database',
  'database_snapshot',
  'bucket',
  'function',
  'container_service',
  'cluster',
  'cache',
  'table',
  'log_group',
  'scaling_group',
  'commitment',
] as const
export type ResourceKind = (typeof resourceKinds)[number]

/** A resource as its cloud described it at one time. */
export interface Resource {
  /** As bills name it, so that it joins its costs: `i-0abc`, an ARN, or the full path of Azure and Google Cloud. */
  id: string
  /** Other names in bills. */
  aliases?: string[]
  kind: ResourceKind
  name?: string
  /** The size or class: `m7g.large`, `gp3`, `Standard_D4s_v5`. */
  type?: string
  /** `running`, `stopped`, `terminated`, or `available`, `in-use` for what has no such state. */
  status: string
  region: string
  zone?: string
  /** ISO time. */
  createdAt?: string
  sizeGb?: number
  iops?: number
  /** The id of the instance, or of the volume of a snapshot. */
  attachedTo?: string
  /** Absent if the cloud did not answer them: the last known stay. */
  tags?: Record<string, string>
  /** What rules need beside these fields, by the cloud's own names. */
  configuration: Record<string, unknown>
}

/**
 * Between two inventories. `found`: it is older than the inventory before, which could not read it. `resized`: its type,
 * size or operations a second. A size that follows from use is none.
 */
export const resourceChanges = [
  'started',
  'found',
  'stopped',
  'ended',
  'resized',
  'retagged',
  'attached',
  'detached',
] as const
export type ResourceChange = (typeof resourceChanges)[number]

export const utilizationMetrics = [
  /** Percent. */
  'cpu',
  'memory',
  'disk',
  /** Percent of the nodes of a cluster that pods have reserved. */
  'cpu_reserved',
  'memory_reserved',
  /** Bytes at a time. */
  'memory_used',
  /** Milliseconds of the hour, of all requests together. */
  'cpu_time',
  'duration',
  /** Bytes of the hour. */
  'network_in',
  'network_out',
  'disk_read',
  'disk_write',
  /** Count of the hour. */
  'disk_operations',
  'requests',
  'errors',
  /** Count at a time. */
  'connections',
] as const
export type UtilizationMetric = (typeof utilizationMetrics)[number]

/** One metric of one resource in one hour. */
export interface Measurement {
  resourceId: string
  /** The start of the hour, in ISO time. */
  hour: string
  metric: UtilizationMetric
  /** Of a sum: the sum of the hour. */
  average: number
  maximum: number
}
