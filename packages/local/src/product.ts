import { createWriteStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Actor, type Context, Fault, hasCode, type Log, type Runtime, type Source, wiring } from '@cloudoptima/core'
import { createLake } from '@cloudoptima/lake'
import { createLog, makeContext } from '@cloudoptima/runtime'
import { serveApi } from './server/api.ts'
import { type Exposure, isLoopbackOnly } from './server/exposure.ts'
import { withInvented } from './invented/clouds.ts'
import { type Invented, inventedIn } from './invented/process.ts'
import { populate, servedOrgId } from './organization.ts'
import { boot, type Services } from './services/boot.ts'
import { makeDataFolder } from './keys/private-file.ts'
import { isolatedNormalizer } from './lake/isolated.ts'
import { type ContextOf, schedulesOf, workflowsOf } from './services/rows.ts'

const ofResources = 'processing' satisfies ReturnType<typeof Source.queueOf>

export interface ProductOptions extends Exposure {
  dataDir: string
  /** 0: any free port; undefined: no API. */
  port?: number | undefined
  orFreePort?: boolean
  orgId?: string | undefined
  /** Of the ECB's files; nothing is fetched without. */
  exchangeRatesUrl?: string | undefined
  /** Schedules and queues wait for `work`. */
  holdsWork?: boolean
}

export interface Product {
  /** Of the command line's organization. */
  ctx: Context
  services: Services
  /** `http://127.0.0.1:4000/v1` */
  api: string | undefined
  /** Imports of a killed process, which continue now. */
  interrupted: { ctx: Context; id: string }[]
  invented: Invented
  /** Starts the schedules and, of a product with an API, the queues: `bills` leaves out that of resources. Idempotent. */
  work(what?: 'bills'): void
  close(): Promise<void>
}

export async function startProduct({
  dataDir: given,
  port,
  orFreePort = false,
  orgId: fixed,
  exchangeRatesUrl,
  holdsWork = false,
  ...exposure
}: ProductOptions): Promise<Product> {
  const dataDir = resolve(given)
  await refuseFile(dataDir)
  await makeDataFolder(dataDir)
  const { log, closeLog } = await openLog(dataDir)
  const closers: (() => Promise<void>)[] = [closeLog]
  const close = async () => {
    for (const end of closers.splice(0).reverse()) await end()
  }
  const normalizer = isolatedNormalizer('500MB')
  const invented = inventedIn(dataDir)
  let { publicUrl } = exposure
  try {
    const services = await boot({
      dataDir,
      log,
      lake: (blobs) => {
        const lake = createLake({ blobs, cacheDir: join(dataDir, 'cache') })
        closers.push(() => lake.close())
        return { ...lake, prepare: normalizer.prepare, normalize: normalizer.normalize }
      },
      clouds: () => withInvented(invented),
      exchangeRatesUrl,
      allowLoopback: isLoopbackOnly(exposure),
      publicUrl: () => publicUrl,
      workflows: (runtime) => workflowsOf(wiring, contextsOver(runtime, log)),
      queues: wiring.queues,
      subscriptions: wiring.subscriptions,
    })
    // The normalizer first, because its files are removed with the services.
    closers.push(invented.close, services.close, normalizer.close)
    const { runtime, attached } = services
    const contextOf = contextsOver(runtime, log)
    const local = (org: string) => contextOf({ orgId: org, actor: 'local' })
    if (!attached) await populate(runtime, dataDir)
    let { api } = services
    if (api === undefined && port !== undefined) {
      const server = await serveApi(services, log, { port, orFreePort, ...exposure })
      closers.push(server.close)
      publicUrl ??= server.url
      api = `${server.url}/v1`
      if (!attached) await services.recordApi(api)
    }
    let interrupted: Product['interrupted'] = []
    const schedules = schedulesOf(wiring, contextOf, log)
    closers.push(schedules.stop)
    const polled = new Set<string>()
    const takes = (queue: string) => polled.size < polled.add(queue).size
    const work: Product['work'] = (what) => {
      if (attached) return
      schedules.startAll()
      // Short-lived commands consume no messages.
      if (port !== undefined)
        services.consume(contextOf, (queue) => (what === undefined || queue !== ofResources) && takes(queue))
    }
    if (!holdsWork) work()
    if (!attached) {
      await schedules.start('sweep')
      const running = await services.resume()
      interrupted = running.map(({ name, input }) => ({ ctx: local((input as { orgId: string }).orgId), id: name }))
    }
    return { ctx: local(fixed ?? (await servedOrgId(runtime))), services, api, interrupted, invented, work, close }
  } catch (error) {
    await close()
    throw error
  }
}

function contextsOver(runtime: Runtime, log: Log): ContextOf {
  return ({ actor, ...given }) => makeContext({ ...given, actor: Actor.system(actor), runtime, log })
}

/** Throws Fault `invalid` if the path or a part of it is a file. */
export async function refuseFile(dataDir: string): Promise<void> {
  const isBlocked = await stat(dataDir).then(
    (found) => !found.isDirectory(),
    (error: unknown) => hasCode(error, 'ENOTDIR'),
  )
  const wrong = `${resolve(dataDir)} cannot be the data folder: it is a file.`
  if (isBlocked) throw new Fault('invalid', `${wrong} Choose a folder with --data.`)
}

async function openLog(dataDir: string) {
  const folder = join(dataDir, 'log')
  await mkdir(folder, { recursive: true })
  const file = createWriteStream(join(folder, 'cloudoptima.log'), { flags: 'a' })
  let broken: Error | undefined
  file.on('error', (error) => (broken = error))
  let lines = ''
  let waiting: NodeJS.Timeout | undefined
  const flush = () => {
    file.write(lines)
    lines = ''
    clearTimeout(waiting)
    waiting = undefined
  }
  // In batches, because a write costs more than a line; errors at once.
  const write = (line: string, level: keyof Log) => {
    if (broken) throw new Fault('unavailable', `The log in ${folder} is not writable: ${broken.message}.`)
    lines += `${line}\n`
    if (level === 'error') flush()
    else waiting ??= setTimeout(flush, 100)
  }
  const closeLog = async () => {
    flush()
    await new Promise<void>((done) => (broken ? done() : file.end(done)))
  }
  return { log: createLog({}, write), closeLog }
}
