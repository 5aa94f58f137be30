import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Workspace } from '@cloudoptima/core'

/** Private (mode 0700), with unpredictable names. */
export function createWorkspace(parent?: string): Workspace {
  return {
    async within(use) {
      const folder = await mkdtemp(join(parent ?? tmpdir(), `cloudoptima-${process.pid}-`))
      try {
        return await use(folder)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}
