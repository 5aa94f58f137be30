export type VolumeRange = readonly [least: number, most: number]

export interface VolumeLimits {
  sizeGb: VolumeRange
  /** None: the operations a second follow from the size. */
  iops?: VolumeRange
  iopsPerGb?: number
  /** In MiB a second. */
  throughputMb?: VolumeRange
}

const gp3 = {
  sizeGb: [1, 65_536],
  iops: [3000, 80_000],
  iopsPerGb: 500,
  throughputMb: [125, 2000],
} satisfies VolumeLimits

/**
 * The types of EBS volumes that can be changed: https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html
 * gp3 includes its least operations and throughput.
 */
export const volumeLimits: Readonly<Record<string, VolumeLimits>> & { gp3: typeof gp3 } = {
  gp2: { sizeGb: [1, 16_384] },
  gp3,
  io1: { sizeGb: [4, 16_384], iops: [100, 64_000], iopsPerGb: 50 },
  io2: { sizeGb: [4, 65_536], iops: [100, 256_000], iopsPerGb: 1000 },
  st1: { sizeGb: [125, 16_384] },
  sc1: { sizeGb: [125, 16_384] },
}
