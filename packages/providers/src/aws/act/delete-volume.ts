import type { Snapshot, Volume } from '@aws-sdk/client-ec2'
import type { ActionOrder, ActionPlan, ActionState, ActionStep, ActionTarget, CloudAction } from '@cloudoptima/core'
import { differences, done, goingOn, refused } from '../../access/steps.ts'
import type { Reader } from '../collect/reader.ts'
import { changing, type Ec2, ec2In, rehearsal } from './account.ts'
import { hindranceOf, notesOf, ownTags, tagsIn } from './hindrance.ts'
import { instanceOf } from './instance.ts'
import { isOfOrder, lostTags, mostTags, orderFilter, renamed, tagsFor } from './order.ts'
import { restoreVolume } from './restore-volume.ts'
import { volumeOf } from './volume.ts'
import { shapeOf } from './volume-shape.ts'

/** The action `delete-volume`: it makes a snapshot, waits for it, and deletes the volume. */
export function deleteVolume(account: Reader): CloudAction {
  const at = async ({ region }: { region: string }) => await ec2In(account, region)
  const readState: CloudAction['readState'] = async (target) => {
    const volume = await volumeOf(await at(target), target.id)
    return volume && stateOf(volume)
  }
  return {
    readState,
    tags: async (target) => tagsIn(await volumeOf(await at(target), target.id)),
    plan: async ({ target }) => await planOf(await at(target), target),
    act: async (order) => await backUpAndDelete(await at(order.target), order, arnsOf(account, order.target)),
    verify: async ({ target }) => differences(await readState(target), null),
    undo: async (order) => {
      const ec2 = await at(order.target)
      return await restoreVolume(ec2, order, await backupOf(ec2, order))
    },
    restored: ({ target, memory }) => renamed(target, target.id, memory['volumeId']),
  }
}

/** Bills name a snapshot by its ARN. */
const arnsOf =
  ({ partition, account }: Reader, { region }: ActionTarget) =>
  (snapshotId: string): string =>
    `arn:${partition}:ec2:${region}:${account}:snapshot/${snapshotId}`

function stateOf(volume: Volume): ActionState {
  const { AvailabilityZone = '', Encrypted = false, KmsKeyId, MultiAttachEnabled = false, Attachments = [] } = volume
  return {
    ...shapeOf(volume),
    AvailabilityZone,
    Encrypted,
    ...(KmsKeyId !== undefined && { KmsKeyId }),
    MultiAttachEnabled,
    Attachments: Attachments.map(({ InstanceId = '', Device = '' }) => ({ InstanceId, Device })),
    Tags: ownTags(volume),
  }
}

async function planOf(ec2: Ec2, { id }: ActionTarget): Promise<ActionPlan> {
  const volume = await volumeOf(ec2, id)
  if (!volume) return 'done already'
  const refusal = hindranceOf(volume) ?? undeletable(volume) ?? (await inUse(ec2, volume))
  if (refusal !== undefined) return { refusal }
  const { sdk, client } = ec2
  const asked = { VolumeId: id, DryRun: true }
  const rehearsed = [
    await rehearsal(async () => await client.send(new sdk.CreateSnapshotCommand(asked))),
    await rehearsal(async () => await client.send(new sdk.DeleteVolumeCommand(asked))),
  ]
  const refused = rehearsed.find((each) => each.refusal !== undefined)?.refusal
  if (refused !== undefined) return { refusal: refused }
  const [attachment] = volume.Attachments ?? []
  const lost = [
    'the id of the volume',
    ...(volume.SnapshotId ? ['the id of the snapshot that it was made of'] : []),
    ...lostTags(volume),
    ...(attachment?.DeleteOnTermination ? ['the setting that the volume is deleted with its instance'] : []),
  ]
  const notes = [
    ...notesOf(volume),
    ...(attachment ? [`It is detached from the stopped instance ${attachment.InstanceId} first.`] : []),
    'Its snapshot stays, and costs until you delete it.',
    ...rehearsed.flatMap((each) => each.notes),
  ]
  return { after: null, undo: 'partial', lost, losesData: null, notes }
}

function undeletable(volume: Volume): string | undefined {
  const { State, OutpostArn, Attachments = [] } = volume
  if (State !== 'available' && State !== 'in-use') return `It is ${State}. Try again when it is available.`
  if (OutpostArn !== undefined) return 'It is on an Outpost, whose volumes are not deleted here.'
  if (Attachments.length > 1) return 'It is attached to several instances. Detach it from all of them first.'
  if (Object.keys(ownTags(volume)).length >= mostTags)
    return `It has ${mostTags} tags, and its backup needs one more. Remove a tag first.`
  return undefined
}

/** Why a volume cannot be detached. */
async function inUse(ec2: Ec2, { Attachments = [] }: Volume): Promise<string | undefined> {
  const [attachment] = Attachments
  if (!attachment) return undefined
  const { InstanceId = '', Device } = attachment
  const instance = await instanceOf(ec2, InstanceId)
  if (instance?.State?.Name !== 'stopped')
    return `It is attached to ${InstanceId}, which is ${instance?.State?.Name ?? 'gone'}. Detach it or stop the instance first.`
  if (instance.RootDeviceName === Device)
    return `It is the root volume of ${InstanceId}, which could not start without it. Terminate the instance instead.`
  return undefined
}

/** The snapshot that the order has made. */
async function backupOf({ sdk, client }: Ec2, { token }: ActionOrder): Promise<Snapshot | undefined> {
  const asked = { OwnerIds: ['self'], Filters: [orderFilter(token)] }
  const { Snapshots = [] } = await client.send(new sdk.DescribeSnapshotsCommand(asked))
  return Snapshots.find((snapshot) => isOfOrder(snapshot, token))
}

async function backUpAndDelete(
  ec2: Ec2,
  order: ActionOrder,
  arnOf: (snapshotId: string) => string,
): Promise<ActionStep> {
  const { target, before } = order
  const { sdk, client } = ec2
  const [volume, backup] = [await volumeOf(ec2, target.id), await backupOf(ec2, order)]
  const memory = { ...order.memory, ...(backup?.SnapshotId !== undefined && { kept: [arnOf(backup.SnapshotId)] }) }
  if (!volume)
    return backup
      ? done(memory)
      : refused(memory, `Somebody else has deleted the volume ${target.id}, without a backup of this action.`)
  const [attachment] = volume.Attachments ?? []
  if (attachment && !isKnown(before, attachment.InstanceId))
    return refused(memory, `Somebody has attached the volume to ${attachment.InstanceId}. Plan the action again.`)
  if (!backup) return await backUp(ec2, order, volume)
  if (backup.State === 'error') return refused(memory, `The snapshot ${backup.SnapshotId} failed. Try again.`)
  if (backup.State !== 'completed')
    return goingOn(memory, 30, `The snapshot ${backup.SnapshotId} is at ${backup.Progress ?? '0%'}.`)
  if (attachment?.State === 'attached') {
    const refusal = await inUse(ec2, volume)
    if (refusal !== undefined) return refused(memory, refusal)
    return await changing(memory, async () => {
      await client.send(new sdk.DetachVolumeCommand({ VolumeId: target.id, InstanceId: attachment.InstanceId }))
      return goingOn(memory, 5, `The volume is detached from ${attachment.InstanceId}.`)
    })
  }
  if (volume.State !== 'available') return goingOn(memory, 5, `The volume is ${attachment?.State ?? volume.State}.`)
  return await changing(memory, async () => {
    await client.send(new sdk.DeleteVolumeCommand({ VolumeId: target.id }))
    return goingOn(memory, 3, 'The volume is deleted.')
  })
}

const isKnown = ({ Attachments }: ActionState, instanceId = '') =>
  JSON.stringify(Attachments ?? []).includes(JSON.stringify(instanceId))

/** Too many snapshots at once: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
const busy = new Set(['SnapshotCreationPerVolumeRateExceeded', 'ConcurrentSnapshotLimitExceeded'])

async function backUp({ sdk, client }: Ec2, { token, memory }: ActionOrder, volume: Volume): Promise<ActionStep> {
  const given = {
    VolumeId: volume.VolumeId,
    Description: `Backup of ${volume.VolumeId} before its deletion by CloudOptima`,
    TagSpecifications: tagsFor('snapshot', ownTags(volume), token),
  }
  return await changing(
    memory,
    async () => {
      const { SnapshotId = '' } = await client.send(new sdk.CreateSnapshotCommand(given))
      return goingOn(memory, 30, `The snapshot ${SnapshotId} is made.`)
    },
    ({ awsCode }) =>
      busy.has(awsCode) ? goingOn(memory, 60, 'AWS makes no more snapshots at the moment.') : undefined,
  )
}
