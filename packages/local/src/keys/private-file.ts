import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Fault, hasCode } from '@cloudoptima/core'

/** Makes a folder into which only this user can look, unless it is there: then its mode is its owner's matter. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
}

/** Writes a file that only this user can read, whole or not at all, whenever the process is killed. */
export async function writePrivate(path: string, text: string): Promise<void> {
  const half = `${path}.tmp`
  // Of a process that was killed; its mode is not to be relied on.
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

/** `undefined` where there is none. Throws Fault `unavailable` when others on this machine could read it too. */
export async function readPrivate(path: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(path)
    // Windows has no such modes.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new Fault(
        'unavailable',
        `Others on this machine can read ${path}, and it holds a secret. Let only yourself read it: chmod 600 '${path}'`,
      )
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** A new name is on the disk when its folder is. */
async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders.
  if (process.platform === 'win32') return
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
