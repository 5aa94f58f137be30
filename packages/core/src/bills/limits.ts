export interface Limits {
  rows: number
  /** Without those of tags. */
  columns: number
  /** Columns with one tag each. */
  tagColumns: number
  /** A function reads less in its 15 minutes. */
  unpackedBytes: number
  /** By packed size. Bills reach 17 to 37, bills of one repeated row 206, deflate 1,032. */
  unpackedTimes: number
}

const mebibyte = 1024 * 1024

export const standard: Limits = {
  rows: 100_000_000,
  columns: 5_000,
  tagColumns: 5_000,
  unpackedBytes: 200 * 1024 * mebibyte,
  unpackedTimes: 300,
}

/** Any file may have it: it is read in a second. */
const harmlessBytes = 64 * mebibyte

export function unpackedLimit(packedBytes: number, { unpackedBytes, unpackedTimes }: Limits = standard): number {
  return Math.min(unpackedBytes, Math.max(harmlessBytes, unpackedTimes * packedBytes))
}

export function unpackedComplaint(packedBytes: number, limits: Limits = standard): string {
  const size = (bytes: number) =>
    bytes < mebibyte ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.ceil(bytes / mebibyte)} MiB`
  return `its ${size(packedBytes)} unpack to more than ${size(unpackedLimit(packedBytes, limits))}, which no bill does`
}
