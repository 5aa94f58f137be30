import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Fault, hasCode } from '@cloudoptima/core'

/** Creates a folder that only this user can read. The mode of an existing folder is left as it is. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
}

/** Writes a file of this user alone; a kill leaves the old or the new content. */
export async function writePrivate(path: string, text: string): Promise<void> {
  const half = `${path}.tmp`
  await rm(half, { force: true })
  const file = await open(half, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(half, path)
  await syncFolder(dirname(path))
}

/** Throws Fault `unavailable` if other users can read the file. */
export async function readPrivate(path: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(path)
    // Windows has no such file modes.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new Fault(
        'unavailable',
        `Other users can read ${path}, which contains a secret. Remove their permission: chmod 600 '${path}'`,
      )
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Makes a rename within the folder survive a power failure. */
async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders.
  if (process.platform === 'win32') return
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
