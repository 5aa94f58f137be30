import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

const metaSuffix = '.meta.json'

/**
 * Brings the folder of the embedded S3 to a state between two requests, whatever instant its process was killed at.
 * An object is `x.data` and `x.meta.json`; both are written as `.tmp` and renamed, the data first: with that the new object stands.
 */
export async function repair(folder: string): Promise<void> {
  // Uploads in parts belong to the process that is gone; whoever made them starts again.
  await rm(join(folder, '_multipart'), { recursive: true, force: true })
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = new Set(entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)))
  for (const file of files) {
    if (!file.endsWith(`${metaSuffix}.tmp`)) continue
    const object = file.slice(0, -`${metaSuffix}.tmp`.length)
    if (files.has(`${object}.data.tmp`) || !files.has(`${object}.data`)) await rm(file)
    else {
      await rename(file, object + metaSuffix)
      files.add(object + metaSuffix)
    }
  }
  for (const file of files) {
    const isLeftover = file.endsWith('.data.tmp') || file.endsWith('.bucket.json.tmp')
    const isOrphan = file.endsWith('.data') && !files.has(file.slice(0, -'.data'.length) + metaSuffix)
    if (isLeftover || isOrphan) await rm(file)
  }
}
