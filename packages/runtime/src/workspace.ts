import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Workspace } from '@cloudoptima/core'

/** Makes private folders (mode 0700) with unpredictable names below an existing folder. */
export function createWorkspace(parent = tmpdir()): Workspace {
  return {
    async within(use) {
      const folder = await mkdtemp(join(parent, `cloudoptima-${process.pid}-`))
      try {
        return await use(folder)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}
