import { join } from 'node:path'
import { Fault } from '@cloudoptima/core'
import { KeySet } from '@cloudoptima/runtime'
import { readPrivate, writePrivate } from './private-file.ts'

const signsMs = 30 * 24 * 3600 * 1000

export async function prepareSigningKeys(folder: string, now: Date): Promise<void> {
  const known = (await readPrivate(pathIn(folder))) === undefined ? undefined : await readSigningKeys(folder)
  if (known && now.getTime() - KeySet.currentSince(known).getTime() < signsMs) return
  await writePrivate(pathIn(folder), JSON.stringify(known ? KeySet.rotated(known, now) : KeySet.fresh(now), null, 2))
}

export async function readSigningKeys(folder: string): Promise<KeySet.Info> {
  try {
    return KeySet.parse((await readPrivate(pathIn(folder))) ?? '')
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault(
      'unavailable',
      `${pathIn(folder)} is damaged. Remove it and start again; all users must then sign in again.`,
    )
  }
}

function pathIn(folder: string) {
  return join(folder, 'signing.json')
}
