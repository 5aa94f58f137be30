import { createWriteStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Actor, type Context, Fault, Import, type Log, type Runtime, noOrganization, wiring } from '@cloudoptima/core'
import { createLake } from '@cloudoptima/lake'
import { createLog, makeContext } from '@cloudoptima/runtime'
import { serveApi } from './server/api.ts'
import { cloudsFrom } from './clouds.ts'
import { type Exposure, isLoopbackOnly } from './server/exposure.ts'
import { orgId, populate, sampleOrgId, servedOrgId } from './organization.ts'
import type { Server } from './server/server.ts'
import { boot, type Services } from './services/boot.ts'
import { makePrivateFolder } from './keys/private-file.ts'
import { type ContextOf, type Schedules, startSchedules, workflowsOf } from './services/rows.ts'

export interface ProductOptions extends Exposure {
  dataDir: string
  /** 0: any free port; undefined: no API. */
  port?: number | undefined
  orFreePort?: boolean
  orgId?: string | undefined
}

export interface Product {
  /** Context of the command line's organization. */
  ctx: Context
  services: Services
  /** `http://127.0.0.1:4000/v1` */
  api: string | undefined
  /** Imports of a killed process, which continue now. */
  interrupted: { ctx: Context; id: string }[]
  close(): Promise<void>
}

/** Starts services, pipeline and API on a data folder. */
export async function startProduct({
  dataDir: given,
  port,
  orFreePort = false,
  orgId: fixed,
  ...exposure
}: ProductOptions): Promise<Product> {
  const dataDir = resolve(given)
  await refuseFile(dataDir)
  await makePrivateFolder(dataDir)
  const { log, closeLog } = await openLog(dataDir)
  const lakes: { close(): Promise<void> }[] = []
  let { publicUrl } = exposure
  const services = await boot({
    dataDir,
    log,
    lake: (blobs) => {
      const lake = createLake({ blobs, cacheDir: join(dataDir, 'cache') })
      lakes.push(lake)
      return lake
    },
    clouds: cloudsFrom(process.env),
    allowLoopback: isLoopbackOnly(exposure),
    publicUrl: () => publicUrl,
    workflows: (runtime) => workflowsOf(wiring, contextsOver(runtime, log)),
    queues: wiring.queues,
    subscriptions: wiring.subscriptions,
  })
  const { runtime } = services
  const contextOf = (org: string) => contextsOver(runtime, log)({ orgId: org, actor: 'local' })
  const servers: Server[] = []
  let schedules: Schedules | undefined
  const close = async (): Promise<void> => {
    for (const server of servers) await server.close()
    await schedules?.stop()
    await services.close()
    for (const lake of lakes) await lake.close()
    await closeLog()
  }
  const servedApi = async (): Promise<string | undefined> => {
    if (port === undefined) return undefined
    const server = await serveApi(services, log, { port, orFreePort, ...exposure })
    servers.push(server)
    publicUrl ??= server.url
    const api = `${server.url}/v1`
    if (!services.attached) await services.recordApi(api)
    return api
  }
  try {
    if (!services.attached) await populate(runtime, dataDir)
    const api = services.attached && services.api ? services.api : await servedApi()
    const interrupted = services.attached ? [] : await unfinished((await organizations(runtime)).map(contextOf))
    if (!services.attached) {
      schedules = startSchedules(wiring, contextsOver(runtime, log), log)
      await services.resume()
      // Short-lived commands consume no messages.
      if (api !== undefined) services.consume(contextsOver(runtime, log))
      await schedules.first('sweep')
    }
    const begun = await Promise.all(interrupted.map(async ({ id }) => await hasExecution(services, id)))
    return {
      ctx: contextOf(fixed ?? (await servedOrgId(runtime))),
      services,
      api,
      interrupted: interrupted.filter((_, index) => begun[index]),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function contextsOver(runtime: Runtime, log: Log): ContextOf {
  return ({ actor, ...given }) => makeContext({ ...given, actor: Actor.system(actor), runtime, log })
}

async function organizations({ tables }: Runtime): Promise<string[]> {
  const registered = (await tables.organizationIndex.all(noOrganization)).map(({ id }) => id)
  return [...new Set([orgId, sampleOrgId, ...registered])]
}

/** Imports that were killed or wait for their upload. */
async function unfinished(organizations: readonly Context[]): Promise<Product['interrupted']> {
  const open = organizations.flatMap((ctx) =>
    (['running', 'uploading'] as const).map(async (status) =>
      (await Array.fromAsync(Import.withStatus(ctx, status))).map(({ id }) => ({ ctx, id })),
    ),
  )
  return (await Promise.all(open)).flat()
}

async function hasExecution({ runtime }: Services, id: string): Promise<boolean> {
  return (await runtime.workflows.describe('bills', id)) !== undefined
}

export async function refuseFile(dataDir: string): Promise<void> {
  const isBlocked = await stat(dataDir).then(
    (found) => !found.isDirectory(),
    (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOTDIR',
  )
  if (isBlocked)
    throw new Fault(
      'invalid',
      `${resolve(dataDir)} cannot be the data folder: it is a file. Choose a folder with --data.`,
    )
}

async function openLog(dataDir: string): Promise<{ log: Log; closeLog(): Promise<void> }> {
  const folder = join(dataDir, 'log')
  await mkdir(folder, { recursive: true })
  const file = createWriteStream(join(folder, 'cloudoptima.log'), { flags: 'a' })
  let broken: Error | undefined
  file.on('error', (error) => (broken = error))
  const write = (line: string) => {
    if (broken) throw new Fault('unavailable', `The log in ${folder} is not writable: ${broken.message}.`)
    file.write(`${line}\n`)
  }
  return { log: createLog({}, write), closeLog: () => new Promise((done) => (broken ? done() : file.end(done))) }
}
