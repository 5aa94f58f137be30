import { mkdir } from 'node:fs/promises'
import { startFauxqs } from 'fauxqs'
import { repair } from './repair.ts'
import type { Service } from './service.ts'

/** S3 with its objects as files in a folder, and SQS with its queues beside them. */
export async function startS3({ objects, queues }: { objects: string; queues: string }, bucket: string): Promise<Service> {
  for (const folder of [objects, queues]) await mkdir(folder, { recursive: true })
  await repair(objects)
  const server = await startFauxqs({ port: 0, logger: false, s3StorageDir: objects, dataDir: queues })
  // Bills must not be offered to the network: unpatched, fauxqs listens on every interface.
  if (new URL(server.address).hostname !== '127.0.0.1') {
    await server.stop()
    throw new Error(`The embedded S3 listens on ${server.address}: node_modules lacks the patch of fauxqs. Install again.`)
  }
  server.createBucket(bucket)
  return { url: server.address, close: async () => await server.stop() }
}
