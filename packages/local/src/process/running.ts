import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { writePrivate } from '../keys/private-file.ts'

const Running = z.object({
  pid: z.number().int(),
  startedAt: z.string(),
  endpoints: z.object({ dynamodb: z.string(), s3: z.string(), sqs: z.string() }),
  control: z.object({ url: z.string(), token: z.string() }),
  /** Where the HTTP API of that process answers, if it has one. */
  api: z.string().optional(),
})

/** What the process that holds a data folder tells about itself in `running.json`. */
export type Running = z.infer<typeof Running>

/** `undefined` when there is none, or when it is not one of ours. */
export async function readRunning(dataDir: string): Promise<Running | undefined> {
  try {
    return Running.safeParse(JSON.parse(await readFile(path(dataDir), 'utf8'))).data
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Readable for this user only: it holds the key to the control. */
export async function writeRunning(dataDir: string, running: Running): Promise<void> {
  await writePrivate(path(dataDir), JSON.stringify(running, null, 2))
}

export async function removeRunning(dataDir: string): Promise<void> {
  await rm(path(dataDir), { force: true })
}

function path(dataDir: string): string {
  return join(dataDir, 'running.json')
}
