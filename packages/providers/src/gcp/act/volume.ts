import type { ActionOrder, ActionStep, CloudAction } from '@cloudoptima/core'
import { done, goingOn } from '../../access/steps.ts'
import type { Caller } from '../collect/calls.ts'
import { type Compute, computeOf, isUnfinished, orderLabel, placeIn, refusedStep, type Step } from './compute.ts'
import { renumbered } from './place.ts'
import {
  type Attachment,
  attached,
  type Disk,
  diskApi,
  diskAt,
  diskBody,
  diskState,
  given,
  isStopped,
  keptFrom,
} from './volume-state.ts'

/** https://cloud.google.com/compute/docs/reference/rest/v1/snapshots */
interface Snapshot {
  id: string
  status: string
  sourceDiskId?: string
  creationTimestamp?: string
  labels?: Record<string, string>
}

/** All that a step looks at, operations first. */
interface Look {
  path: string
  name: string
  scope: string
  operations: Awaited<ReturnType<Compute['operations']>>
  disk: Disk | undefined
  /** Of `before`: a disk has one instance at most. */
  attachment: Attachment | undefined
  /** That the action has made. */
  snapshot: Snapshot | undefined
  snapshotPath: string
}

/** Backs the disk up in a snapshot, detaches it from a stopped instance, and deletes it. */
export function deleteVolume(caller: Caller): CloudAction {
  const compute = computeOf(caller)
  return {
    readState: async (target) => await diskState(compute, target),
    async plan({ before }) {
      const refusal = keptFrom(before)
      if (refusal !== undefined) return { refusal }
      const lost = ['the id of the disk', 'the IAM policy and the tags that are bound to the disk itself']
      return { after: null, undo: 'partial', lost, losesData: null, notes: ['The snapshot costs until you delete it.'] }
    },
    act: async (order) => await act(compute, { order, phase: 'act' }),
    verify: async ({ target, before }) =>
      (await diskState(compute, target))?.['id'] === given(before).id ? ['The disk still exists.'] : [],
    undo: async (order) => await undo(compute, { order, phase: 'undo' }),
    restored: ({ target, before, memory }) =>
      typeof memory['disk'] === 'string' ? renumbered(target, given(before).id, memory['disk']) : target,
  }
}

async function look(compute: Compute, { order }: Step): Promise<Look> {
  const { before, target, token } = order
  const { path, scope } = placeIn(compute.caller, target, 'disks')
  const [attachment] = given(before).attachments
  const snapshotPath = `global/snapshots/cloudoptima-${token.toLowerCase()}`
  const operations = await Promise.all([
    compute.operations(scope, given(before).id),
    ...(attachment ? [compute.operations(zoneOf(attachment), attachment.instanceId)] : []),
  ])
  const snapshot = await compute.get<Snapshot>('compute.snapshots.get', snapshotPath)
  const isOurs = snapshot?.labels?.[orderLabel] === token.toLowerCase() && snapshot.sourceDiskId === given(before).id
  return {
    path,
    name: path.split('/').at(-1) ?? '',
    scope,
    operations: operations.flat(),
    disk: await diskAt(compute, path),
    attachment,
    snapshot: isOurs ? snapshot : undefined,
    snapshotPath,
  }
}

/** Bills name a snapshot by the numbers of the project, as in the name of the disk, and of the snapshot. */
const nameOf = ({ target }: ActionOrder, { id }: Snapshot): string =>
  target.id.replace(/(\/projects\/[^/]+)\/.*$/, `$1/global/snapshots/${id}`)

const zoneOf = ({ instance }: Attachment): string => instance.split('/').slice(0, 2).join('/')

async function act(compute: Compute, step: Step): Promise<ActionStep> {
  const { order } = step
  const { memory, before, token } = order
  const seen = await look(compute, step)
  const { path, operations, disk, snapshot, snapshotPath, attachment } = seen
  if (disk?.id !== given(before).id)
    return snapshot
      ? done({ ...memory, kept: [nameOf(order, snapshot)] })
      : refusedStep(step, 'Somebody else has deleted the disk. There is no snapshot of it.')
  if (operations.some(isUnfinished)) return goingOn(memory, 10, `The disk is ${disk.status}, and an operation runs.`)
  if (disk.status !== 'READY') return goingOn(memory, 10, `The disk is ${disk.status}.`)
  if (!snapshot)
    return await compute.change(step, {
      api: diskApi(path, 'createSnapshot'),
      path: `${path}/createSnapshot`,
      body: {
        name: snapshotPath.split('/').at(-1),
        description: `Of the disk ${seen.name}, before CloudOptima deletes it.`,
        labels: { [orderLabel]: token.toLowerCase() },
      },
      operations,
      waitSeconds: 30,
      says: 'A snapshot of the disk begins.',
    })
  if (snapshot.status === 'CREATING' || snapshot.status === 'UPLOADING')
    return goingOn(memory, 30, `The snapshot ${snapshotPath} is ${snapshot.status}.`)
  if (snapshot.status !== 'READY')
    return refusedStep(step, `The snapshot ${snapshotPath} is ${snapshot.status}. Roll back, and plan again.`)
  const [now, ...others] = await attached(compute, path, disk)
  if (others.length > 0 || (now && now.instance !== attachment?.instance) || (now && !isStopped(now)))
    return refusedStep(step, 'Somebody uses the disk now. Roll back, and plan again.')
  if (Date.parse(disk.lastAttachTimestamp ?? '') > Date.parse(snapshot.creationTimestamp ?? ''))
    return refusedStep(step, 'The disk was in use after its snapshot. Roll back, and plan again.')
  if (now)
    return await compute.change(step, {
      api: 'compute.instances.detachDisk',
      path: `${now.instance}/detachDisk`,
      query: { deviceName: now.deviceName },
      operations,
      waitSeconds: 5,
      says: `The disk is detached from ${now.instance}.`,
    })
  return await compute.change(step, {
    api: diskApi(path, 'delete'),
    method: 'DELETE',
    path,
    operations,
    waitSeconds: 5,
    says: 'The disk is deleted.',
  })
}

async function undo(compute: Compute, step: Step): Promise<ActionStep> {
  const { memory, before } = step.order
  const seen = await look(compute, step)
  const { operations, disk, snapshot } = seen
  if (operations.some(isUnfinished)) return goingOn(memory, 10, 'An operation on the disk is not finished.')
  if (!disk) return await restore(compute, step, seen)
  const isMadeAgain = disk.id === memory['disk'] || (snapshot && disk.sourceSnapshotId === snapshot.id)
  if (disk.id !== given(before).id && !isMadeAgain)
    return refusedStep(step, `There is another disk at ${seen.path}. Rename or delete it, and roll back again.`)
  if (disk.status === 'FAILED')
    return refusedStep(step, 'Google could not make the disk. Delete it, and roll back again.')
  if (disk.status !== 'READY') return goingOn(memory, 10, `The disk is ${disk.status}.`)
  // Without the snapshot, only the memory tells that this disk is ours.
  if (isMadeAgain && memory['disk'] !== disk.id)
    return goingOn({ ...memory, disk: disk.id }, 1, 'The disk is restored.')
  return await attachAgain(compute, step, { ...seen, disk })
}

async function restore(compute: Compute, step: Step, seen: Look): Promise<ActionStep> {
  const { memory, before } = step.order
  const { snapshot, snapshotPath, scope, name, path, operations } = seen
  if (!snapshot) return refusedStep(step, `The snapshot ${snapshotPath} is gone, and with it the data of the disk.`)
  if (snapshot.status !== 'READY') return goingOn(memory, 10, `The snapshot is ${snapshot.status}.`)
  return await compute.change(step, {
    api: diskApi(path, 'insert'),
    path: `${scope}/disks`,
    body: diskBody(before, compute.project, { name, sourceSnapshot: snapshotPath }),
    operations,
    waitSeconds: 10,
    says: `The disk ${name} is made of its snapshot.`,
  })
}

async function attachAgain(compute: Compute, step: Step, seen: Look & { disk: Disk }): Promise<ActionStep> {
  const { attachment, disk, operations, path, snapshot, snapshotPath } = seen
  if (attachment && !disk.users?.length) {
    const { instance, deviceName, mode, autoDelete, interface: own } = attachment
    return await compute.change(step, {
      api: 'compute.instances.attachDisk',
      path: `${instance}/attachDisk`,
      body: {
        source: `${compute.project}/${path}`,
        deviceName,
        mode,
        autoDelete,
        ...(own !== null && { interface: own }),
      },
      operations,
      waitSeconds: 5,
      says: `The disk is attached to ${instance}.`,
    })
  }
  if (!snapshot) return done(step.order.memory)
  if (snapshot.status === 'DELETING') return goingOn(step.order.memory, 5, 'The snapshot is deleted.')
  return await compute.change(step, {
    api: 'compute.snapshots.delete',
    method: 'DELETE',
    path: snapshotPath,
    // Those of the disk do not tell.
    operations: [],
    waitSeconds: 5,
    says: 'The snapshot is deleted, because the disk has its data.',
  })
}
