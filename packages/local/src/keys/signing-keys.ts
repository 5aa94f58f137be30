import { join } from 'node:path'
import { Fault } from '@cloudoptima/core'
import { KeySet } from '@cloudoptima/runtime'
import { readPrivate, writePrivate } from './private-file.ts'

const signsMs = 30 * 24 * 3600 * 1000

/** Makes the keys that sign access tokens, `signing.json`, unless they are there; rotates them when the current one has signed for 30 days. */
export async function prepareSigningKeys(folder: string, now: Date): Promise<void> {
  const known = (await readPrivate(pathIn(folder))) === undefined ? undefined : await readSigningKeys(folder)
  if (known && now.getTime() - KeySet.currentSince(known).getTime() < signsMs) return
  await writePrivate(pathIn(folder), JSON.stringify(known ? KeySet.rotated(known, now) : KeySet.fresh(now), null, 2))
}

/** Throws Fault `unavailable` when the file is missing or not whole. */
export async function readSigningKeys(folder: string): Promise<KeySet.Info> {
  try {
    return KeySet.parse((await readPrivate(pathIn(folder))) ?? '')
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault(
      'unavailable',
      `${pathIn(folder)} holds no whole keys. Remove it, and start again: everyone signs in anew.`,
    )
  }
}

function pathIn(folder: string): string {
  return join(folder, 'signing.json')
}
