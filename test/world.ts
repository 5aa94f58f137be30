import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  Actor,
  type Context,
  type Event,
  events,
  Import,
  type Log,
  type Runtime,
  type Wiring,
  wiring,
} from '@cloudoptima/core'
import { createLake } from '@cloudoptima/lake'
import { boot, type Services } from '../packages/local/src/services/boot.ts'
import { subscriptionQueues } from '../packages/local/src/services/bus.ts'
import { workflowsOf } from '../packages/local/src/services/rows.ts'
import { makeContext } from '@cloudoptima/runtime'

/** The product with a data folder, without its command line. */
export interface World {
  ctx: Context
  services: Services
  dataDir: string
  /** Imports files as one delivery and waits for its end. */
  bring(paths: string[], options?: { replace?: boolean }): Promise<Import.Info>
  /** Waits until every event has reached its subscribers. */
  delivered(): Promise<void>
  end(): Promise<void>
}

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }

export interface WorldOptions {
  /** Kept at the end. By default the world creates a temporary folder and deletes it. */
  dataDir?: string
  orgId?: string
  now?: () => Date
  log?: Log
  /** Wraps the runtime, to observe or fail its effects. */
  wrap?: (runtime: Runtime) => Runtime
  /** Receives every event. */
  onEvent?: (event: Event) => void
  /** Whether the product's own queues and subscriptions work too. */
  isWired?: boolean
}

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'cloudoptima-world-')))
  const { orgId = 'org_test', now = () => new Date(), log = silent, wrap, onEvent, isWired = false } = options
  const subscriptions = { ...(isWired && wiring.subscriptions), ...(onEvent && heardBy(onEvent)) }
  const contextOf = (runtime: Runtime, org: string): Context =>
    makeContext({ orgId: org, actor: Actor.system('test'), runtime, log, now })
  const lakes: { close(): Promise<void> }[] = []
  const services = await boot({
    allowLoopback: true,
    dataDir,
    log,
    lake: (blobs) => {
      const lake = createLake({ blobs, cacheDir: join(dataDir, 'cache') })
      lakes.push(lake)
      return lake
    },
    ...(wrap && { wrap }),
    subscriptions,
    ...(isWired && { queues: wiring.queues }),
    workflows: (runtime) => workflowsOf(wiring, ({ orgId: of }) => contextOf(runtime, of)),
  })
  const ctx = contextOf(services.runtime, orgId)
  services.consume(({ orgId: of }) => contextOf(services.runtime, of))
  return {
    ctx,
    services,
    dataDir,
    async bring(paths, { replace = false } = {}) {
      const files = await Promise.all(
        paths.map(async (path) => ({ name: basename(path), bytes: (await stat(path)).size })),
      )
      const { id } = await Import.create(ctx, { files, replace })
      for (const [index, path] of paths.entries()) await Import.storeFile(ctx, id, index, path)
      await Import.start(ctx, id)
      await services.whenEnded('bills', id)
      return await Import.get(ctx, id)
    },
    async delivered() {
      const queues = Object.keys(subscriptionQueues(subscriptions))
      for (;;) {
        const depths = await services.runtime.queues.depths(queues)
        if (depths.every(({ waiting, inFlight, delayed }) => waiting + inFlight + delayed === 0)) return
        await sleep(20)
      }
    },
    async end() {
      await services.close()
      for (const lake of lakes) await lake.close()
      if (!options.dataDir) await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** A subscription to each event of the product. */
function heardBy(onEvent: (event: Event) => void): Wiring['subscriptions'] {
  const run = async (_: Context, event: Event) => onEvent(event)
  return Object.fromEntries(Object.keys(events).map((event) => [event.replace('.', '-'), { event, run }]))
}
