import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdir } from 'node:fs/promises'
import { Server } from 'node:http'
import type { Connection } from '@cloudoptima/runtime'
import { startFauxqs } from 'fauxqs'
import { guard, type Service } from './guard.ts'
import { createQueues, type QueueRows, releaseInFlight } from './queues.ts'
import { repair } from './repair.ts'

export async function startS3(
  { objects, queues }: { objects: string; queues: string },
  bucket: string,
  { connection, rows }: { connection: Required<Connection>; rows: QueueRows },
): Promise<Service> {
  for (const folder of [objects, queues]) await mkdir(folder, { recursive: true })
  await repair(objects)
  releaseInFlight(queues)
  const server = await guarded(connection.credentials.secretAccessKey, () =>
    startFauxqs({ port: 0, logger: false, s3StorageDir: objects, dataDir: queues }),
  )
  // Unpatched fauxqs listens on every interface and would expose the bills.
  if (new URL(server.address).hostname !== '127.0.0.1') {
    await server.stop()
    throw new Error(
      `The embedded S3 listens on ${server.address}: node_modules lacks the patch of fauxqs. Remove node_modules and ` +
        'start again.',
    )
  }
  server.createBucket(bucket)
  await createQueues(server, { ...connection, endpoint: server.address }, rows)
  return { url: server.address, close: () => server.stop() }
}

/** fauxqs hides its server, but Fastify publishes each one on a diagnostics channel. */
async function guarded<Started>(secret: string, start: () => Promise<Started>): Promise<Started> {
  let isGuarded = false
  const onMade = (made: unknown) => {
    const { fastify } = made as { fastify?: { server?: unknown } }
    if (!(fastify?.server instanceof Server)) return
    guard(fastify.server, secret)
    isGuarded = true
  }
  subscribe('fastify.initialization', onMade)
  // The server is created synchronously, so no other is caught.
  const starting = start()
  unsubscribe('fastify.initialization', onMade)
  const started = await starting
  if (!isGuarded)
    throw new Error(
      'The embedded S3 did not publish its server, so web pages could reach it. Remove node_modules and start again.',
    )
  return started
}
