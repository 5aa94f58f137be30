import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Blobs } from '@cloudoptima/core'
import { createLake } from '@cloudoptima/lake'

/** DuckDB gets half of the function's memory; Node and the files' buffers need the rest. */
export function lake(blobs: Blobs) {
  const memoryMb = Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'])
  return createLake({ blobs, cacheDir: join(tmpdir(), 'cloudoptima'), memoryLimit: `${Math.floor(memoryMb / 2)}MB` })
}
