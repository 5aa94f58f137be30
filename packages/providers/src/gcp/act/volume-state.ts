import { type ActionState, type ActionTarget, type Json, TagLimits, TagPlan } from '@cloudoptima/core'
import { type Compute, placeIn } from './compute.ts'
import type { ActApi } from './permissions.ts'
import { numberOf, pathOf } from './place.ts'

/** https://cloud.google.com/compute/docs/reference/rest/v1/disks */
export interface Disk {
  id: string
  status: string
  users?: string[]
  labels?: Record<string, string>
  type?: string
  lastAttachTimestamp?: string
  sourceSnapshotId?: string
  diskEncryptionKey?: { sha256?: string; kmsKeyName?: string }
  asyncPrimaryDisk?: object
  asyncSecondaryDisks?: object
  storagePool?: string
  [field: string]: unknown
}

/** A disk of an instance, as it is attached. */
export interface Attachment {
  /** In the project: `zones/z/instances/i`. */
  instance: string
  instanceId: string
  instanceStatus: string
  deviceName: string
  mode: string
  autoDelete: boolean
  boot: boolean
  interface: string | null
}

interface Instance {
  id: string
  status: string
  disks?: {
    source?: string
    deviceName?: string
    mode?: string
    autoDelete?: boolean
    boot?: boolean
    interface?: string
  }[]
}

/** The fields that an insert takes, and that a snapshot does not keep. */
const kept = [
  'description',
  'labels',
  'sizeGb',
  'provisionedIops',
  'provisionedThroughput',
  'physicalBlockSizeBytes',
  'accessMode',
  'enableConfidentialCompute',
  'architecture',
] as const
/** Those that are URLs. */
const linked = ['type', 'resourcePolicies', 'replicaZones'] as const

const linkOf = (value: unknown): Json =>
  Array.isArray(value) ? value.map((each) => pathOf(String(each))) : pathOf(String(value))

/** The disk of a target, by its place; undefined if there is none. */
export async function diskAt(compute: Compute, path: string): Promise<Disk | undefined> {
  return await compute.get<Disk>(diskApi(path, 'get'), path)
}

export const diskApi = (path: string, method: 'get' | 'createSnapshot' | 'delete' | 'insert'): ActApi =>
  path.startsWith('regions/') ? `compute.regionDisks.${method}` : `compute.disks.${method}`

/** What an undo brings back; `id` is that of this disk and no later one. */
export async function diskState(compute: Compute, target: ActionTarget): Promise<ActionState | undefined> {
  const { path } = placeIn(compute.caller, target, 'disks')
  const disk = await diskAt(compute, path)
  if (!disk || ![disk.id, undefined].includes(numberOf(target))) return undefined
  const { id, status, diskEncryptionKey: key } = disk
  const present = <Field extends string>(fields: readonly Field[], value: (field: Field) => Json) =>
    Object.fromEntries(fields.flatMap((field) => (disk[field] === undefined ? [] : [[field, value(field)]])))
  return {
    id,
    status,
    ...present(kept, (field) => disk[field] as Json),
    ...present(linked, (field) => linkOf(disk[field])),
    // A new disk takes the newest version of the key.
    ...(key?.kmsKeyName !== undefined && { kmsKeyName: key.kmsKeyName.replace(/\/cryptoKeyVersions\/\d+$/, '') }),
    hasSuppliedKey: key?.sha256 !== undefined && key.kmsKeyName === undefined,
    isReplicated: disk.asyncPrimaryDisk !== undefined || Object.keys(disk.asyncSecondaryDisks ?? {}).length > 0,
    isInPool: disk.storagePool !== undefined,
    attachments: (await attached(compute, path, disk)).map((attachment) => ({ ...attachment })),
  }
}

/** Where the disk is attached now. */
export async function attached(compute: Compute, path: string, { users = [] }: Disk): Promise<Attachment[]> {
  return await Promise.all(users.map(async (user) => await attachmentOf(compute, path, pathOf(user))))
}

async function attachmentOf(compute: Compute, disk: string, instance: string): Promise<Attachment> {
  const found = await compute.get<Instance>('compute.instances.get', instance)
  const attached = found?.disks?.find(({ source = '' }) => pathOf(source) === disk)
  return {
    instance,
    instanceId: found?.id ?? '',
    instanceStatus: found?.status ?? 'GONE',
    deviceName: attached?.deviceName ?? '',
    mode: attached?.mode ?? 'READ_WRITE',
    autoDelete: attached?.autoDelete ?? false,
    boot: attached?.boot ?? false,
    interface: attached?.interface ?? null,
  }
}

/** The fields that a step reads; the others go into the insert as they are. */
interface DiskState {
  id: string
  status: string
  labels?: Record<string, string>
  hasSuppliedKey: boolean
  isReplicated: boolean
  isInPool: boolean
  attachments: readonly Attachment[]
}

export const given = (state: ActionState) => state as unknown as DiskState

/** The body of the insert that makes the disk again. */
export function diskBody(state: ActionState, project: string, own: { name: string; sourceSnapshot: string }): object {
  const link = (value: Json | undefined): Json | undefined =>
    Array.isArray(value)
      ? value.map((each: Json) => link(each) ?? null)
      : typeof value === 'string'
        ? `${project}/${value}`
        : value
  const { kmsKeyName } = state
  return {
    name: own.name,
    sourceSnapshot: link(own.sourceSnapshot),
    ...Object.fromEntries(kept.flatMap((field) => (field in state ? [[field, state[field]]] : []))),
    ...Object.fromEntries(linked.flatMap((field) => (field in state ? [[field, link(state[field])]] : []))),
    ...(kmsKeyName !== undefined && { diskEncryptionKey: { kmsKeyName } }),
  }
}

/** Why the disk must stay, and what to do. */
export function keptFrom(state: ActionState): string | undefined {
  const { status, labels = {}, hasSuppliedKey, isReplicated, isInPool, attachments } = given(state)
  if (TagLimits.isProtected('gcp', labels)) return TagPlan.protectedBy
  if ('goog-gke-volume' in labels) return 'Kubernetes Engine manages the disk. Delete its volume there.'
  if (status !== 'READY') return `The disk is ${status}. Wait until it is READY.`
  if (hasSuppliedKey) return 'The disk has a key that you supply with each call. Delete it yourself.'
  if (isReplicated) return 'The disk is replicated to another region. End its replication first.'
  if (isInPool) return 'The disk is in a storage pool. Delete it yourself.'
  if (attachments.length > 1) return `The disk is attached to ${attachments.length} instances. Detach it first.`
  const [attachment] = attachments
  if (!attachment) return undefined
  if (attachment.boot) return 'The disk is the boot disk of an instance. Delete the instance instead.'
  return isStopped(attachment) ? undefined : 'The disk is attached to an instance that is not stopped. Stop it first.'
}

export const isStopped = ({ instanceStatus }: Attachment): boolean => ['TERMINATED', 'STOPPED'].includes(instanceStatus)
