import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createApp } from '@cloudoptima/api'
import { Announce, type Context, Fault, Import, type Log, Normalize, RecordFailure, type Runtime } from '@cloudoptima/core'
import { createLake } from '@cloudoptima/lake'
import { createLog, makeContext } from '@cloudoptima/runtime'
import { listen, type Server } from './server.ts'
import { boot, type Services } from './services/boot.ts'
import type { Steps } from './services/workflows.ts'

/** The organisation of this machine: identity knows no other yet. */
export const orgId = 'default'

export interface ProductOptions {
  /** Everything that is remembered lies in this folder. */
  dataDir: string
  /** Where the API listens on 127.0.0.1; 0 is any free port; without it there is no API. */
  port?: number | undefined
  /** Takes a free port where `port` is in use, instead of failing. */
  orFreePort?: boolean
}

/** The whole product, running on this machine. */
export interface Product {
  ctx: Context
  services: Services
  /** `http://127.0.0.1:4000/v1`, or undefined where no API was asked for. */
  api: string | undefined
  /** Imports that an earlier process was killed in, and that go on now. */
  interrupted: string[]
  close(): Promise<void>
}

/** Starts services, pipeline and API on a data folder. Throws Fault `conflict` when the port is in use. */
export async function startProduct({ dataDir: given, port, orFreePort = false }: ProductOptions): Promise<Product> {
  const dataDir = resolve(given)
  const { log, closeLog } = await openLog(dataDir)
  const lakes: { close(): Promise<void> }[] = []
  const services = await boot({
    dataDir,
    log,
    lake: (blobs) => {
      const lake = createLake({ blobs, cacheDir: join(dataDir, 'cache') })
      lakes.push(lake)
      return lake
    },
    steps: (runtime) => stepsOver(runtime, log),
  })
  const ctx = makeContext({ orgId, actor: 'local', runtime: services.runtime, log })
  const servers: Server[] = []
  const close = async (): Promise<void> => {
    for (const server of servers) await server.close()
    await services.close()
    for (const lake of lakes) await lake.close()
    await closeLog()
  }
  try {
    const api = services.attached && services.api ? services.api : await serveApi(services, log, servers, port, orFreePort)
    return { ctx, services, api, interrupted: await resumed(ctx, services), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function serveApi(services: Services, log: Log, servers: Server[], port: number | undefined, orFreePort: boolean): Promise<string | undefined> {
  if (port === undefined) return undefined
  const { runtime } = services
  const app = createApp({ log, context: (_request, requestId) => makeContext({ orgId, actor: 'local', runtime, requestId, log }) })
  const server = await listen(app.fetch, port, orFreePort)
  servers.push(server)
  const api = `${server.url}/v1`
  if (!services.attached) await services.announceApi(api)
  return api
}

/** The pipeline's steps, as the state machine names them: what the functions of the same name are on AWS. */
function stepsOver(runtime: Runtime, log: Log): Steps {
  const context = (given: { orgId: string }) => makeContext({ orgId: given.orgId, actor: 'pipeline', runtime, log })
  return {
    pipeline: {
      Normalize: async (input: Normalize.Input & { orgId: string }) => await Normalize.run(context(input), input),
      Announce: async (input: { importId: string; orgId: string }) => await Announce.run(context(input), input),
      RecordFailure: async (input: RecordFailure.Input & { orgId: string }) => await RecordFailure.run(context(input), input),
    },
  }
}

/** Goes on with what a kill cut off. Deliveries whose bytes never came complete are forgotten after a day. */
async function resumed(ctx: Context, services: Services): Promise<string[]> {
  if (services.attached) return []
  const open = (await Import.list(ctx)).filter(({ status }) => status === 'running' || status === 'uploading')
  await services.resume()
  await Import.sweep(ctx)
  const started = await Promise.all(open.map(async ({ id }) => ((await hasExecution(services, id)) ? [id] : [])))
  return started.flat()
}

async function hasExecution({ runtime }: Services, id: string): Promise<boolean> {
  return (await runtime.tables.executions.get('machine', id)) !== undefined
}

async function openLog(dataDir: string): Promise<{ log: Log; closeLog(): Promise<void> }> {
  const folder = join(dataDir, 'log')
  await mkdir(folder, { recursive: true })
  const file = createWriteStream(join(folder, 'cloudoptima.log'), { flags: 'a' })
  let broken: Error | undefined
  file.on('error', (error) => (broken = error))
  const write = (line: string) => {
    if (broken) throw new Fault('unavailable', `The log in ${folder} cannot be written: ${broken.message}.`)
    file.write(`${line}\n`)
  }
  return { log: createLog({}, write), closeLog: () => new Promise((done) => (broken ? done() : file.end(done))) }
}
