import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Until this process ends; undefined if another process holds the lock. */
export function tryLock(dataDir: string): { release(): void } | undefined {
  const database = new DatabaseSync(join(dataDir, 'lock'), { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
    return { release: () => database.close() }
  } catch (error) {
    database.close()
    if (isBusy(error)) return undefined
    throw error
  }
}

const sqliteBusy = 5

function isBusy(error: unknown) {
  return error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
}
