import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Blobs, hasCode } from '@cloudoptima/core'
import { createLake } from '@cloudoptima/lake'

/** DuckDB gets half of the function's memory; Node and the files' buffers need the rest. */
export function lake(blobs: Blobs) {
  const memoryMb = Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'])
  return createLake({ blobs, cacheDir: freshFolder(), memoryLimit: `${Math.floor(memoryMb / 2)}MB` })
}

/** Removes the folders of killed processes, which the disk of a Lambda function keeps. */
function freshFolder() {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = /^cloudoptima-(\d+)-/.exec(name) ?? []
    if (pid !== undefined && !isOther(Number(pid))) rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
  return mkdtempSync(join(tmpdir(), `cloudoptima-${process.pid}-`))
}

/** On an emulator functions share the disk; a new process may repeat an id. */
function isOther(pid: number) {
  if (pid === process.pid) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return !hasCode(error, 'ESRCH')
  }
}
