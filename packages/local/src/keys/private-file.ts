import { chmod, lstat, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault, hasCode } from '@cloudoptima/core'

const forOthers = 0o077

/** Windows has no such modes. */
function isShared(mode: number) {
  return process.platform !== 'win32' && (mode & forOthers) !== 0
}

/** Throws Fault `invalid` if another user owns it. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const { mode, uid } = await stat(path)
  if (isForeign(uid)) throw new Fault('invalid', `${path} belongs to another user. Choose another folder with --data.`)
  if (isShared(mode)) await chmod(path, mode & ~forOthers)
}

/** Throws Fault `invalid` if another user owns it, or put something into it. */
export async function makeDataFolder(path: string): Promise<void> {
  await makePrivateFolder(path)
  for (const name of await readdir(path)) {
    // Another process of this user may remove its own files.
    const entry = await lstat(join(path, name)).catch((error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error
    })
    if (entry) refuseForeign(join(path, name), entry)
  }
}

/** Takes the permissions of other users from a folder that an earlier version wrote. */
export async function makeContentPrivate(folder: string): Promise<void> {
  const outer = await Promise.all((await readdir(folder)).map(async (name) => await lstat(join(folder, name))))
  if (!outer.some((entry) => !entry.isSymbolicLink() && isShared(entry.mode))) return
  for (const { parentPath, name } of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(parentPath, name)
    const entry = await lstat(path)
    refuseForeign(path, entry)
    if (!entry.isSymbolicLink() && isShared(entry.mode)) await chmod(path, entry.mode & ~forOthers)
  }
}

/** A file of another user may still be open there, and a link may lead to a folder of that user. */
function refuseForeign(path: string, { uid }: { uid: number }) {
  if (!isForeign(uid)) return
  const advice = 'Look what it is and delete it, or choose another folder with --data.'
  throw new Fault('invalid', `${path} belongs to another user, who could read or change bills by it. ${advice}`)
}

function isForeign(uid: number) {
  const user = process.getuid?.()
  return user !== undefined && uid !== user
}

/** A kill leaves the old or the new content. */
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
    if (isShared((await stat(path)).mode))
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

/** Makes a rename survive a power failure. */
async function syncFolder(path: string) {
  // Windows cannot open folders.
  if (process.platform === 'win32') return
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
