import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Anchor, type Anchors, BlobKey, hasCode } from '@cloudoptima/core'
import { makePrivateFolder, writePrivate } from '../keys/private-file.ts'

const pattern = /^(\d{12})-([0-9a-f]{64})$/

/** Anchors as files `{organization}/{sequence}-{hash}` in a folder beside the tables. */
export function createAnchors(folder: string): Anchors {
  const namesOf = async (orgId: string) => {
    try {
      return (await readdir(join(folder, BlobKey.of(orgId, 'x'), '..'))).filter((name) => pattern.test(name))
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return []
      throw error
    }
  }
  async function* anchors(orgId: string): AsyncGenerator<Anchor> {
    for (const name of (await namesOf(orgId)).toSorted()) {
      const [, sequence, hash = ''] = pattern.exec(name) ?? []
      const { mtime } = await stat(join(folder, orgId, name))
      yield { sequence: Number(sequence), hash, at: mtime.toISOString() }
    }
  }
  return {
    async put(orgId, { sequence, hash }) {
      const name = `${String(sequence).padStart(12, '0')}-${hash}`
      if ((await namesOf(orgId)).includes(name)) return
      await makePrivateFolder(folder)
      await makePrivateFolder(join(folder, orgId))
      await writePrivate(join(folder, orgId, name), '')
    },
    list: async (orgId) => await Promise.resolve(anchors(orgId)),
  }
}
