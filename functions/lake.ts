import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Blobs } from '@cloudoptima/core'
import { createLake } from '@cloudoptima/lake'

/** DuckDB gets half of the function's memory; Node and the files' buffers need the rest. */
export function lake(blobs: Blobs) {
  const memoryMb = Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'])
  return createLake({ blobs, cacheDir: freshFolder(), memoryLimit: `${Math.floor(memoryMb / 2)}MB` })
}

/** A new private folder; the disk of a Lambda function still has the files of a process that was killed. */
function freshFolder(): string {
  const prefix = 'cloudoptima-'
  for (const name of readdirSync(tmpdir()))
    if (name.startsWith(prefix)) rmSync(join(tmpdir(), name), { recursive: true, force: true })
  return mkdtempSync(join(tmpdir(), prefix))
}
