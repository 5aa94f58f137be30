import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '@cloudoptima/core'
import * as z from 'zod'
import { writePrivate } from '../keys/private-file.ts'
import { DatabaseSync } from 'node:sqlite'

const Running = z.object({
  pid: z.int(),
  startedAt: z.string(),
  endpoints: z.object({ dynamodb: z.string(), s3: z.string(), sqs: z.string() }),
  secret: z.string(),
  control: z.object({ url: z.string(), token: z.string() }),
  api: z.string().optional(),
})

/** As in `running.json`. */
export type Running = z.infer<typeof Running>

export async function readRunning(dataDir: string): Promise<Running | undefined> {
  try {
    return Running.safeParse(JSON.parse(await readFile(path(dataDir), 'utf8'))).data
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** The file is private: it holds the secrets of the servers. */
export async function writeRunning(dataDir: string, running: Running): Promise<void> {
  await writePrivate(path(dataDir), JSON.stringify(running, null, 2))
}

export async function removeRunning(dataDir: string): Promise<void> {
  await rm(path(dataDir), { force: true })
}

function path(dataDir: string) {
  return join(dataDir, 'running.json')
}

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
