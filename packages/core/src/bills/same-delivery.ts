import { hash } from 'node:crypto'
import type { Context } from '../effects/context.ts'
import * as Snapshot from '../lake/snapshot.ts'
import type { File } from './file.ts'
import { filesOf } from './import-files.ts'
import * as Raw from './raw.ts'

/** Independent of file names and order. */
export function digest(files: { sha256?: string | undefined }[]): string {
  const hashes = files.map(({ sha256 }) => sha256 ?? '').sort()
  return hash('sha256', hashes.join('\n'))
}

/** The delivery with this digest, preliminary as `origin` is, if all its partitions are still visible and its raw files exist. */
export async function currentDelivery(
  ctx: Context,
  wanted: string,
  origin?: Snapshot.Origin,
): Promise<Snapshot.Info | undefined> {
  const { snapshots } = await Snapshot.view(ctx)
  const same = snapshots.filter(
    ({ digest, origin: own }) => digest === wanted && !own?.preliminary === !origin?.preliminary,
  )
  const [first] = same
  if (first === undefined || same.length !== first.siblings) return undefined
  const raws = [...new Set(same.map(({ raw }) => raw))]
  const isKept = await Promise.all(raws.map(async (raw) => (await Raw.manifest(ctx, raw)) !== undefined))
  return isKept.every(Boolean) ? first : undefined
}

/** As an earlier delivery of the same bytes found them. */
export async function withKnownFormats(ctx: Context, delivery: Snapshot.Info, files: File[]): Promise<File[]> {
  const earlier = await ctx.tables.imports.get(ctx.orgId, delivery.snapshotId)
  const known = new Map((earlier ? await filesOf(ctx, earlier) : []).map((file) => [file.sha256, file]))
  return files.map((file) => {
    const { format, rows, periods } = known.get(file.sha256) ?? {}
    return { ...file, ...(format && { format }), ...(rows !== undefined && { rows }), ...(periods && { periods }) }
  })
}
