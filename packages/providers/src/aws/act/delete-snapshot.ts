import type { Snapshot } from '@aws-sdk/client-ec2'
import type { ActionOrder, ActionPlan, ActionState, ActionStep, ActionTarget, CloudAction } from '@cloudoptima/core'
import { differences, done, goingOn, refused } from '../../access/steps.ts'
import { tagsOf } from '../collect/inventory/row.ts'
import type { Reader } from '../collect/reader.ts'
import { changing, type Ec2, ec2In, found, rehearsal } from './account.ts'
import { hindranceOf, notesOf, ownTags, tagsIn } from './hindrance.ts'
import { shortId } from './order.ts'
import { undoFromBin } from './recycle-bin.ts'

/** The action `delete-snapshot` on a snapshot of EBS. Only a rule of the Recycle Bin can keep what it deletes. */
export function deleteSnapshot(account: Reader): CloudAction {
  const at = async ({ region }: { region: string }) => await ec2In(account, region)
  const readState: CloudAction['readState'] = async (target) => {
    const snapshot = await snapshotOf(await at(target), target)
    return snapshot && stateOf(snapshot)
  }
  return {
    readState,
    tags: async (target) => tagsIn(await snapshotOf(await at(target), target)),
    plan: async ({ target }) => await planOf(account, await at(target), target),
    act: async (order) => await removed(await at(order.target), order),
    verify: async ({ target }) => differences(await readState(target), null),
    undo: async (order) => await restored(await at(order.target), order),
  }
}

async function snapshotOf({ sdk, client }: Ec2, { id }: ActionTarget): Promise<Snapshot | undefined> {
  const asked = { SnapshotIds: [shortId(id)] }
  const answer = await found(async () => await client.send(new sdk.DescribeSnapshotsCommand(asked)))
  return answer?.Snapshots?.[0]
}

function stateOf(snapshot: Snapshot): ActionState {
  const { State = '', StorageTier = 'standard', Description = '', VolumeSize = 0 } = snapshot
  return { State, StorageTier, Description, VolumeSize, Tags: ownTags(snapshot) }
}

async function planOf(account: Reader, ec2: Ec2, target: ActionTarget): Promise<ActionPlan> {
  const { sdk, client } = ec2
  const snapshot = await snapshotOf(ec2, target)
  if (!snapshot) return 'done already'
  const { SnapshotId = '', State } = snapshot
  const refusal = hindranceOf(snapshot) ?? (await imageRefusal(ec2, SnapshotId))
  if (refusal !== undefined) return { refusal }
  if (State !== 'completed') return { refusal: `It is ${State}. Try again when it is completed.` }
  const asked = { SnapshotId, DryRun: true }
  const rehearsed = await rehearsal(async () => await client.send(new sdk.DeleteSnapshotCommand(asked)))
  if (rehearsed.refusal !== undefined) return { refusal: rehearsed.refusal }
  const deleted = { region: ec2.region, type: 'EBS_SNAPSHOT' as const, tags: tagsOf(snapshot.Tags) }
  const { undo, notes } = await undoFromBin(account, deleted)
  const lost = undo === 'none' ? ['the data of the snapshot'] : []
  const losesData = undo === 'none' ? 'The data of the snapshot is lost.' : null
  return { after: null, undo, lost, losesData, notes: [...notesOf(snapshot), ...notes, ...rehearsed.notes] }
}

async function imageRefusal({ sdk, client }: Ec2, snapshotId: string): Promise<string | undefined> {
  const Filters = [{ Name: 'block-device-mapping.snapshot-id', Values: [snapshotId] }]
  const { Images = [] } = await client.send(new sdk.DescribeImagesCommand({ Owners: ['self'], Filters }))
  const [image] = Images
  return image && `The image ${image.ImageId} is made of it. Deregister the image first.`
}

async function removed(ec2: Ec2, { target, memory }: ActionOrder): Promise<ActionStep> {
  const { sdk, client } = ec2
  if (!(await snapshotOf(ec2, target))) return done(memory)
  return await changing(memory, async () => {
    await client.send(new sdk.DeleteSnapshotCommand({ SnapshotId: shortId(target.id) }))
    return goingOn(memory, 1, 'The snapshot is deleted.')
  })
}

async function restored(ec2: Ec2, { target, memory }: ActionOrder): Promise<ActionStep> {
  const { sdk, client } = ec2
  const snapshot = await snapshotOf(ec2, target)
  if (snapshot?.State === 'completed') return done(memory)
  if (snapshot) return goingOn(memory, 10, `The snapshot is ${snapshot.State}.`)
  const SnapshotId = shortId(target.id)
  const asked = { SnapshotIds: [SnapshotId] }
  const bin = await found(async () => await client.send(new sdk.ListSnapshotsInRecycleBinCommand(asked)))
  if (!bin?.Snapshots?.length)
    return refused(memory, `The snapshot ${SnapshotId} is deleted, and no Recycle Bin has kept it.`)
  return await changing(memory, async () => {
    await client.send(new sdk.RestoreSnapshotFromRecycleBinCommand({ SnapshotId }))
    return goingOn(memory, 5, 'The snapshot is restored from the Recycle Bin.')
  })
}
