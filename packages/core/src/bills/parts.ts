import type { Complaint } from '../kernel/fault.ts'
import type { File } from './file.ts'
import * as Raw from './raw.ts'

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
