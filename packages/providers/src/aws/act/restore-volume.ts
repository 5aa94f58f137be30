import type { CreateVolumeCommandInput, Snapshot, Volume } from '@aws-sdk/client-ec2'
import type { ActionMemory, ActionOrder, ActionStep, TagsByKey } from '@cloudoptima/core'
import { goingOn, done, refused, textIn } from '../../access/steps.ts'
import { changing, type Ec2 } from './account.ts'
import { isOfOrder, orderFilter, orderTag, tagsFor } from './order.ts'
import { volumeOf } from './volume.ts'

/**
 * The way back of `delete-volume`: a volume is made of the backup and attached where the old one was; the backup and the
 * tag of the order end last. A volume that still exists is attached again.
 */
export async function restoreVolume(ec2: Ec2, order: ActionOrder, backup: Snapshot | undefined): Promise<ActionStep> {
  const original = await volumeOf(ec2, order.target.id)
  if (original) return (await attached(ec2, order, original)) ?? (await tidied(ec2, order, original, backup))
  const { memory } = order
  const volumeId = textIn(memory, 'volumeId')
  const volume = volumeId === '' ? await volumeOfOrder(ec2, order) : await volumeOf(ec2, volumeId)
  if (!volume)
    return volumeId === ''
      ? await made(ec2, order, backup)
      : refused(memory, `Somebody has deleted the restored volume ${volumeId}.`)
  // The volume is known by its tag alone, until its id is stored.
  if (volumeId === '') return goingOn(remembered(memory, volume), 0, `The volume ${volume.VolumeId} is restored.`)
  if (volume.State === 'error') return refused(memory, `The restored volume ${volumeId} failed. Its backup stays.`)
  if (volume.State === 'creating') return goingOn(memory, 5, `The volume ${volumeId} is being made.`)
  return (await attached(ec2, order, volume)) ?? (await tidied(ec2, order, volume, backup))
}

const remembered = (memory: ActionMemory, { VolumeId = '' }: Pick<Volume, 'VolumeId'>): ActionMemory => ({
  ...memory,
  volumeId: VolumeId,
})

async function volumeOfOrder({ sdk, client }: Ec2, { token }: ActionOrder): Promise<Volume | undefined> {
  const { Volumes = [] } = await client.send(new sdk.DescribeVolumesCommand({ Filters: [orderFilter(token)] }))
  return Volumes.find((volume) => isOfOrder(volume, token) && volume.State !== 'deleting')
}

async function made(ec2: Ec2, { before, token, memory }: ActionOrder, backup?: Snapshot): Promise<ActionStep> {
  if (!backup)
    return refused(memory, 'The backup of the volume does not exist any more, and so nothing can be restored.')
  const { Attachments: _, Tags, ...settings } = before
  const { Encrypted, MultiAttachEnabled, ...others } = settings as Omit<CreateVolumeCommandInput, 'SnapshotId'>
  const given: CreateVolumeCommandInput = {
    ...others,
    ...(Encrypted && { Encrypted }),
    ...(MultiAttachEnabled && { MultiAttachEnabled }),
    SnapshotId: backup.SnapshotId,
    // EC2 makes one volume for it, also when its list of volumes is not up to date yet.
    ClientToken: token,
    TagSpecifications: tagsFor('volume', (Tags ?? {}) as TagsByKey, token),
  }
  return await changing(memory, async () => {
    const volume = await ec2.client.send(new ec2.sdk.CreateVolumeCommand(given))
    return goingOn(remembered(memory, volume), 10, `The volume ${volume.VolumeId} is made of ${backup.SnapshotId}.`)
  })
}

/** The step that attaches the volume where it was; undefined once it is there. */
async function attached({ sdk, client }: Ec2, { before, memory }: ActionOrder, volume: Volume) {
  const [wanted] = before['Attachments'] as { InstanceId: string; Device: string }[]
  if (!wanted) return undefined
  const [now] = volume.Attachments ?? []
  const { VolumeId } = volume
  if (now?.State === 'attached') return undefined
  if (now && now.State !== 'detached') return goingOn(memory, 5, `The volume ${VolumeId} is ${now.State}.`)
  return await changing(memory, async () => {
    await client.send(new sdk.AttachVolumeCommand({ VolumeId, ...wanted }))
    return goingOn(memory, 5, `The volume ${VolumeId} is attached to ${wanted.InstanceId}.`)
  })
}

async function tidied(
  ec2: Ec2,
  { token, memory }: ActionOrder,
  volume: Volume,
  backup?: Snapshot,
): Promise<ActionStep> {
  const { sdk, client } = ec2
  const { VolumeId = '' } = volume
  if (isOfOrder(volume, token))
    return await changing(memory, async () => {
      await client.send(new sdk.DeleteTagsCommand({ Resources: [VolumeId], Tags: [{ Key: orderTag }] }))
      return goingOn(memory, 1, `The volume ${VolumeId} is as it was.`)
    })
  if (!backup) return done(memory)
  return await changing(memory, async () => {
    await client.send(new sdk.DeleteSnapshotCommand({ SnapshotId: backup.SnapshotId }))
    return goingOn(memory, 1, `The backup ${backup.SnapshotId} is deleted.`)
  })
}
