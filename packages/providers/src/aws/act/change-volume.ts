import type { Volume, VolumeModification } from '@aws-sdk/client-ec2'
import { isDeepStrictEqual } from 'node:util'
import type { ActionOrder, ActionPlan, ActionQuestion, ActionState, ActionStep, CloudAction } from '@cloudoptima/core'
import { differences, done, goingOn, refused } from '../../access/steps.ts'
import type { Reader } from '../collect/reader.ts'
import { changing, type Ec2, ec2In, rehearsal } from './account.ts'
import { hindranceOf, notesOf, tagsIn } from './hindrance.ts'
import { lastModification, volumeOf } from './volume.ts'
import { changedShape, iopsOf, shapeOf, sizeIn } from './volume-shape.ts'

/** The action `change-volume`. https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modify-volume.html */
export function changeVolume(account: Reader): CloudAction {
  const at = async ({ region }: { region: string }) => await ec2In(account, region)
  const readState: CloudAction['readState'] = async (target) => {
    const volume = await volumeOf(await at(target), target.id)
    return volume && shapeOf(volume)
  }
  return {
    readState,
    tags: async (target) => tagsIn(await volumeOf(await at(target), target.id)),
    plan: async (question) => await planOf(await at(question.target), question),
    act: async (order) => await become(await at(order.target), order, order.after, false),
    verify: async ({ target, after }) => differences(await readState(target), after),
    undo: async (order) => await become(await at(order.target), order, order.before, true),
  }
}

const isUnderWay = ({ ModificationState }: Partial<VolumeModification> = {}) =>
  ModificationState === 'modifying' || ModificationState === 'optimizing'

async function planOf(ec2: Ec2, { target: { id }, before, parameters }: ActionQuestion): Promise<ActionPlan> {
  const volume = await volumeOf(ec2, id)
  if (!volume) return { refusal: 'The volume does not exist any more.' }
  const changed = changedShape(before, parameters)
  if ('refusal' in changed) return changed
  const { after } = changed
  if (isDeepStrictEqual(after, before)) return 'done already'
  const refusal = hindranceOf(volume) ?? unchangeable(volume)
  if (refusal !== undefined) return { refusal }
  const last = await lastModification(ec2, id)
  if (isUnderWay(last))
    return { refusal: `AWS still changes it (${last?.ModificationState}). Try again when that is done.` }
  const { sdk, client } = ec2
  const asked = { VolumeId: id, ...settingsOf(after), DryRun: true }
  const rehearsed = await rehearsal(async () => await client.send(new sdk.ModifyVolumeCommand(asked)))
  if (rehearsed.refusal !== undefined) return { refusal: rehearsed.refusal }
  const grows = sizeIn(after) > sizeIn(before)
  const [iopsBefore = 0, iops = Infinity] = [iopsOf(before), iopsOf(after)]
  const notes = [
    ...notesOf(volume),
    ...(iops < iopsBefore ? [`It has ${iopsBefore} operations a second now, and ${iops} afterwards.`] : []),
    ...(grows ? ['The file system has to be extended on the instance afterwards.'] : []),
    'AWS changes a volume four times in 24 hours, one change after the other. An undo may have to wait for it.',
    ...rehearsed.notes,
  ]
  return { after, undo: grows ? 'partial' : 'full', lost: grows ? ['the smaller size'] : [], losesData: null, notes }
}

function unchangeable({ State, VolumeType, MultiAttachEnabled }: Volume): string | undefined {
  if (State !== 'available' && State !== 'in-use') return `It is ${State}. Try again when it is available or in use.`
  if (VolumeType === 'standard') return 'AWS changes no magnetic volume. Make a new one of a snapshot instead.'
  if (MultiAttachEnabled) return 'It can be attached to several instances, and such volumes are not changed here.'
  return undefined
}

const settingsOf = (shape: ActionState) => shape as Partial<Pick<Volume, 'VolumeType' | 'Size' | 'Iops' | 'Throughput'>>

async function become(
  ec2: Ec2,
  { target: { id }, memory }: ActionOrder,
  wanted: ActionState | null,
  isUndo: boolean,
): Promise<ActionStep> {
  const volume = await volumeOf(ec2, id)
  if (!volume) return refused(memory, `The volume ${id} does not exist any more.`)
  const now = shapeOf(volume)
  // AWS makes no volume smaller.
  const shape = { ...wanted, ...(isUndo && { Size: Math.max(sizeIn(now), sizeIn(wanted ?? {})) }) }
  const last = await lastModification(ec2, id)
  const isReached = isDeepStrictEqual(now, shape)
  if (isReached && last?.ModificationState !== 'modifying') return done(memory)
  if (isUnderWay(last)) {
    const says = `The volume is ${last?.ModificationState}: ${last?.Progress ?? 0} %.`
    return goingOn(memory, isReached ? 10 : 60, says)
  }
  if (memory['isAsked'] === true && last?.ModificationState === 'failed' && !isUndo)
    return refused(memory, `AWS could not change the volume: ${last.StatusMessage ?? 'no reason is given'}. Try again.`)
  return await changing(
    memory,
    async () => {
      await ec2.client.send(new ec2.sdk.ModifyVolumeCommand({ VolumeId: id, ...settingsOf(shape) }))
      return goingOn({ ...memory, isAsked: true }, 10, 'AWS changes the volume.')
    },
    ({ awsCode, message }) =>
      isUndo && awsCode === 'VolumeModificationRateExceeded' ? goingOn(memory, 3600, message) : undefined,
  )
}
