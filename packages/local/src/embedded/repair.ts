import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

const metaSuffix = '.meta.json'

/** Repairs the embedded S3 after a kill; it writes `x.data.tmp` and `x.meta.json.tmp`, and renames the data first. */
export async function repair(folder: string): Promise<void> {
  // The client starts multipart uploads again.
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
