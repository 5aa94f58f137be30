import type { Volume } from '@aws-sdk/client-ec2'
import {
  type ActionParameters,
  type ActionState,
  type VolumeLimits,
  volumeLimits,
  type VolumeRange,
} from '@cloudoptima/core'
import { textIn } from '../../access/steps.ts'

/** What `ModifyVolume` gives a volume that changes to gp3, io1 or io2. gp3 has it at any size. */
const defaultIops = 3000

/** The type, size and performance of a volume, as far as they can be chosen, by AWS's names. */
export function shapeOf({ VolumeType: type, Size = 0, Iops, Throughput }: Partial<Volume>): ActionState {
  const VolumeType: string = type ?? ''
  const known = volumeLimits[VolumeType]
  return {
    VolumeType,
    Size,
    ...(known?.iops && { Iops: Iops ?? defaultIops }),
    ...(known?.throughputMb && { Throughput: Throughput ?? known.throughputMb[0] }),
  }
}

function numberIn(fields: ActionState, name: string): number | undefined {
  const value = fields[name]
  return typeof value === 'number' ? value : undefined
}

export const sizeIn = (shape: ActionState): number => numberIn(shape, 'Size') ?? 0

/** The operations a second that a volume has, chosen or not; undefined if they are not known. */
export function iopsOf(shape: ActionState): number | undefined {
  // https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html
  const follows = textIn(shape, 'VolumeType') === 'gp2' ? Math.min(16_000, Math.max(100, 3 * sizeIn(shape))) : undefined
  return numberIn(shape, 'Iops') ?? follows
}

/** The shape with some changes, or why AWS does not make them. A new type has its own least performance. */
export function changedShape(
  before: ActionState,
  parameters: ActionParameters,
): { after: ActionState } | { refusal: string } {
  const type = textIn(parameters, 'type') || textIn(before, 'VolumeType')
  const known = volumeLimits[type]
  if (!known)
    return { refusal: `AWS changes no volume to the type ${type}. Choose ${Object.keys(volumeLimits).join(', ')}.` }
  const kept = type === before['VolumeType'] ? before : {}
  const [iops, throughput] = [numberIn(parameters, 'iops'), numberIn(parameters, 'throughputMb')]
  const Size = numberIn(parameters, 'sizeGb') ?? sizeIn(before)
  const Iops = iops ?? numberIn(kept, 'Iops') ?? (known.iops && defaultIops)
  const Throughput = throughput ?? numberIn(kept, 'Throughput') ?? known.throughputMb?.[0]
  const refusal =
    Size < sizeIn(before)
      ? 'AWS does not make a volume smaller. Leave its size.'
      : (beyond(`GB of a volume of type ${type}`, Size, known.sizeGb) ??
        (Iops === undefined ? undefined : iopsRefusal(type, known, Iops, Size)) ??
        (Throughput === undefined ? undefined : throughputRefusal(type, known, Throughput, Iops)))
  if (refusal !== undefined) return { refusal }
  const performance = { ...(Iops !== undefined && { Iops }), ...(Throughput !== undefined && { Throughput }) }
  return { after: { VolumeType: type, Size, ...performance } }
}

function beyond(subject: string, value: number, [least, most]: VolumeRange): string | undefined {
  return value >= least && value <= most ? undefined : `The ${subject} can be ${least} to ${most}, and not ${value}.`
}

function iopsRefusal(type: string, { iops, iopsPerGb = Infinity }: VolumeLimits, value: number, size: number) {
  if (!iops) return `The operations a second of a volume of type ${type} cannot be chosen. Leave iops out.`
  const most = Math.max(defaultIops, iopsPerGb * size)
  return beyond(`operations a second of ${size} GB of type ${type}`, value, [iops[0], Math.min(iops[1], most)])
}

function throughputRefusal(type: string, { throughputMb }: VolumeLimits, value: number, iops = 0) {
  if (!throughputMb) return `The throughput of a volume of type ${type} cannot be chosen. Leave throughputMb out.`
  const most = Math.min(throughputMb[1], iops / 4)
  return beyond(`MB a second of a volume with ${iops} operations a second`, value, [throughputMb[0], most])
}
