import type { Image } from '@aws-sdk/client-ec2'
import type { ActionOrder, ActionPlan, ActionState, ActionStep, ActionTarget, CloudAction } from '@cloudoptima/core'
import { differences, done, goingOn, refused } from '../../access/steps.ts'
import { tagsOf } from '../collect/inventory/row.ts'
import type { Reader } from '../collect/reader.ts'
import { changing, type Ec2, ec2In, found, rehearsal } from './account.ts'
import { hindranceOf, notesOf, ownTags, tagsIn } from './hindrance.ts'
import { imageUse } from './image-users.ts'
import { undoFromBin } from './recycle-bin.ts'

/** The action `deregister-image`. The snapshots of the image stay. */
export function deregisterImage(account: Reader): CloudAction {
  const at = async ({ region }: { region: string }) => await ec2In(account, region)
  const readState: CloudAction['readState'] = async (target) => {
    const image = await imageOf(await at(target), target)
    return image && stateOf(image)
  }
  return {
    readState,
    tags: async (target) => tagsIn(await imageOf(await at(target), target)),
    plan: async ({ target }) => await planOf(account, await at(target), target),
    act: async (order) => await removed(await at(order.target), order),
    verify: async ({ target }) => differences(await readState(target), null),
    undo: async (order) => await restored(await at(order.target), order),
  }
}

async function imageOf({ sdk, client }: Ec2, { id }: ActionTarget): Promise<Image | undefined> {
  const asked = { ImageIds: [id], Owners: ['self'], IncludeDisabled: true }
  const answer = await found(async () => await client.send(new sdk.DescribeImagesCommand(asked)))
  return answer?.Images?.find(({ State }) => State !== 'deregistered')
}

function stateOf(image: Image): ActionState {
  const { State = '', Name = '', Public = false, BlockDeviceMappings = [] } = image
  const SnapshotIds = BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? [])
  return { State, Name, Public, SnapshotIds, Tags: ownTags(image) }
}

async function planOf(account: Reader, ec2: Ec2, target: ActionTarget): Promise<ActionPlan> {
  const { sdk, client } = ec2
  const image = await imageOf(ec2, target)
  if (!image) return 'done already'
  const { ImageId = '', State, DeregistrationProtection = 'disabled' } = image
  const refusal = hindranceOf(image) ?? (await imageUse(account, ec2, ImageId))
  if (refusal !== undefined) return { refusal }
  if (State !== 'available' && State !== 'disabled')
    return { refusal: `It is ${State}. Try again when it is available.` }
  if (DeregistrationProtection !== 'disabled' && DeregistrationProtection !== '')
    return { refusal: `Its deregistration protection is ${DeregistrationProtection}. Disable it first.` }
  const rehearsed = await rehearsal(
    async () => await client.send(new sdk.DeregisterImageCommand({ ImageId, DryRun: true })),
  )
  if (rehearsed.refusal !== undefined) return { refusal: rehearsed.refusal }
  const bin = await undoFromBin(account, { region: ec2.region, type: 'EC2_IMAGE', tags: tagsOf(image.Tags) })
  const notes = [
    ...notesOf(image),
    ...(image.Public ? ['The image is public: other accounts may use it.'] : []),
    'Its snapshots stay, and cost until you delete them.',
    ...bin.notes,
    ...rehearsed.notes,
  ]
  const lost = bin.undo === 'none' ? ['the image with its id and launch permissions'] : []
  return { after: null, undo: bin.undo, lost, losesData: null, notes }
}

async function removed(ec2: Ec2, { target, memory }: ActionOrder): Promise<ActionStep> {
  const { sdk, client } = ec2
  if (!(await imageOf(ec2, target))) return done(memory)
  return await changing(memory, async () => {
    await client.send(new sdk.DeregisterImageCommand({ ImageId: target.id }))
    return goingOn(memory, 1, 'The image is deregistered.')
  })
}

async function restored(ec2: Ec2, { target, memory }: ActionOrder): Promise<ActionStep> {
  const { sdk, client } = ec2
  const image = await imageOf(ec2, target)
  if (image?.State === 'available' || image?.State === 'disabled') return done(memory)
  if (image) return goingOn(memory, 10, `The image is ${image.State}.`)
  const ImageId = target.id
  const asked = { ImageIds: [ImageId] }
  const bin = await found(async () => await client.send(new sdk.ListImagesInRecycleBinCommand(asked)))
  if (!bin?.Images?.length)
    return refused(memory, `The image ${ImageId} is deregistered, and no Recycle Bin has kept it.`)
  return await changing(memory, async () => {
    await client.send(new sdk.RestoreImageFromRecycleBinCommand({ ImageId }))
    return goingOn(memory, 5, 'The image is restored from the Recycle Bin.')
  })
}
