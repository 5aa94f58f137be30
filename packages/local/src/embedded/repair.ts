import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

const metaSuffix = '.meta.json'

/**
 * Repairs the folder of the embedded S3 after a kill at any instant. An object consists of `x.data` and `x.meta.json`.
 * Both are written as `.tmp` and renamed, the data first. The new object is valid once its data is renamed.
 */
export async function repair(folder: string): Promise<void> {
  // Multipart uploads end with their process. The client starts again.
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
