import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '@cloudoptima/core'
import * as z from 'zod'
import { writePrivate } from '../keys/private-file.ts'

const Running = z.object({
  pid: z.number().int(),
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
