import type { Context } from '../effects/context.ts'
import type { Claim } from '../organization/usage.ts'
import type { File } from './file.ts'
import type { Info } from './import-schema.ts'
import * as Raw from './raw.ts'
import type { Complaint } from '../kernel/fault.ts'

// Upload URLs outlive the start of an import, so they name keys of their own, from which the start copies.
const folder = 'uploads'

const uploadOf = (rawKey: string) => rawKey.replace(/^raw/, folder)
const rawOf = (uploadKey: string) => uploadKey.replace(/^uploads/, 'raw')
const copiesAtOnce = 32

/** In order; for PUT. */
export async function urls(ctx: Context, { id, files }: Info, expiresSeconds = 3600): Promise<string[][]> {
  const url = async (file: File, index: number, part: number) => {
    const key = uploadOf(Raw.partKey(id, index, part))
    return await ctx.runtime.blobs.uploadUrl(ctx.orgId, key, expiresSeconds, bytesOf(file, part))
  }
  return await Promise.all(
    files.map(
      async (file, index) => await Promise.all(Array.from({ length: file.parts }, (_, part) => url(file, index, part))),
    ),
  )
}

/** By the keys of the raw bill. */
export async function uploaded({ runtime, orgId }: Context, { id }: Info): Promise<Map<string, number>> {
  const found = await runtime.blobs.list(orgId, `${folder}/${id}/`)
  return new Map(found.map(({ key, bytes }) => [rawOf(key), bytes]))
}

/**
 * No URL names the raw bill. Throws Fault `conflict` if another request took the claim over and may have started the
 * import.
 */
export async function keep(ctx: Context, { id, files }: Info, claim: Claim): Promise<void> {
  const keys = files.flatMap(({ parts }, index) =>
    Array.from({ length: parts }, (_, part) => Raw.partKey(id, index, part)),
  )
  await eachAtOnce(keys, async (key) => {
    await claim.hold()
    await ctx.runtime.blobs.copy(ctx.orgId, uploadOf(key), key)
  })
  await claim.hold()
}

export async function remove({ runtime, orgId }: Context, id: string): Promise<void> {
  const found = await runtime.blobs.list(orgId, `${folder}/${id}/`)
  await eachAtOnce(found, ({ key }) => runtime.blobs.remove(orgId, key))
}

export async function imports({ runtime, orgId }: Context): Promise<Set<string>> {
  const found = await runtime.blobs.list(orgId, `${folder}/`)
  return new Set(found.flatMap(({ key }) => key.split('/')[1] ?? []))
}

/** After an error it begins no more items, and throws when those in progress have ended. */
async function eachAtOnce<Item>(items: readonly Item[], run: (item: Item) => Promise<void>) {
  const left = items.values()
  let hasFailed = false
  const work = async () => {
    for (const item of left) {
      if (hasFailed) return
      await run(item).catch((error: unknown) => {
        hasFailed = true
        throw error
      })
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: copiesAtOnce }, work))
  for (const each of ended) if (each.status === 'rejected') throw each.reason
}

/** `stored` has the sizes by key. */
export function complaints(importId: string, files: readonly File[], stored: ReadonlyMap<string, number>): Complaint[] {
  return files.flatMap((file, index) =>
    Array.from({ length: file.parts }, (_, part) =>
      complaint(file, part, stored.get(Raw.partKey(importId, index, part))),
    ).flatMap((message) => (message === undefined ? [] : [{ path: file.name, message }])),
  )
}

function complaint(file: File, part: number, bytes: number | undefined) {
  const which = `part ${part + 1} of ${file.parts}`
  if (bytes === undefined) return `${which} was not uploaded`
  const { least, most } = expected(file, part)
  if (bytes >= least && bytes <= most) return undefined
  return `${which} has ${bytes} bytes instead of ${least === most ? most : `${least} to ${most}`}`
}

/** All parts but the last are full. The size of a compressed file is unknown. */
function expected({ bytes, parts, encoding }: File, part: number) {
  if (part < parts - 1) return { least: Raw.partBytes, most: Raw.partBytes }
  if (encoding !== 'identity') return { least: 1, most: Raw.partBytes }
  const exactly = bytesOf({ bytes }, part)
  return { least: exactly, most: exactly }
}

/** Of a file that is stored unchanged. */
export function bytesOf({ bytes }: Pick<File, 'bytes'>, part: number): number {
  return Math.min(Raw.partBytes, bytes - Raw.partBytes * part)
}
