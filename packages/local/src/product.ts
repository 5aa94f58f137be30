import { createWriteStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import definition from '@cloudoptima/core/bills.asl.json' with { type: 'json' }
import {
  Actor,
  Announce,
  type Context,
  Detect,
  Fault,
  Import,
  type Log,
  Normalize,
  Recommend,
  RecordFailure,
  type Runtime,
  Sweep,
  Track,
  noOrganization,
} from '@cloudoptima/core'
import { createLake } from '@cloudoptima/lake'
import { createLog, makeContext } from '@cloudoptima/runtime'
import pLimit from 'p-limit'
import { serveApi } from './server/api.ts'
import { cloudsFrom } from './clouds.ts'
import { type Facing, isOnlyHere } from './server/facing.ts'
import { orgId, populate, sampleOrgId, servedOrgId } from './organization.ts'
import type { Server } from './server/server.ts'
import { boot, type Services } from './services/boot.ts'
import { makePrivateFolder } from './keys/private-file.ts'
import { repeat, type Repeated } from './process/repeat.ts'
import type { Workflow } from './services/workflows.ts'

const dayMs = 24 * 3600 * 1000
// Each takes up to 500 MB, and all cores.
const normalizationsAtOnce = 2

export interface ProductOptions extends Facing {
  /** Everything that is remembered lies in this folder. */
  dataDir: string
  /** Where the API listens; 0 is any free port; without it there is no API. */
  port?: number | undefined
  /** Takes a free port where `port` is in use, instead of failing. */
  orFreePort?: boolean
  /** Whose costs the command line shows; where missing, what `servedOrgId` chooses. */
  orgId?: string | undefined
}

/** The whole product, running on this machine. */
export interface Product {
  /** Of the organization whose costs were to be shown at the start. */
  ctx: Context
  services: Services
  /** `http://127.0.0.1:4000/v1`, or undefined where no API was asked for. */
  api: string | undefined
  /** Imports that an earlier process was killed in, and that go on now. */
  interrupted: { ctx: Context; id: string }[]
  close(): Promise<void>
}

/** Starts services, pipeline and API on a data folder. Throws Fault `conflict` when the port is in use. */
export async function startProduct({
  dataDir: given,
  port,
  orFreePort = false,
  orgId: fixed,
  ...facing
}: ProductOptions): Promise<Product> {
  const dataDir = resolve(given)
  await refuseFile(dataDir)
  await makePrivateFolder(dataDir)
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
    clouds: cloudsFrom(process.env),
    allowLoopback: isOnlyHere(facing),
    workflows: (runtime) => ({ pipeline: pipelineOver(runtime, log) }),
  })
  const { runtime } = services
  const contextOf = (org: string) => makeContext({ orgId: org, actor: Actor.system('local'), runtime, log })
  const servers: Server[] = []
  const chores: Repeated[] = []
  const close = async (): Promise<void> => {
    for (const chore of chores) await chore.stop()
    for (const server of servers) await server.close()
    await services.close()
    for (const lake of lakes) await lake.close()
    await closeLog()
  }
  const announced = async (): Promise<string | undefined> => {
    if (port === undefined) return undefined
    const server = await serveApi(services, log, { port, orFreePort, ...facing })
    servers.push(server)
    const api = `${server.url}/v1`
    if (!services.attached) await services.announceApi(api)
    return api
  }
  try {
    if (!services.attached) await populate(runtime, dataDir)
    const api = services.attached && services.api ? services.api : await announced()
    const sweep = async () => {
      const chore = repeat(
        'sweep all organizations',
        dayMs,
        log,
        async () => await Sweep.run(contextOf(noOrganization)),
      )
      chores.push(chore)
      await chore.first
    }
    const interrupted = await resumed((await organizations(runtime)).map(contextOf), services, sweep)
    return { ctx: contextOf(fixed ?? (await servedOrgId(runtime))), services, api, interrupted, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** All there are: those of the machine, and those that registered. */
async function organizations({ tables }: Runtime): Promise<string[]> {
  const registered = (await tables.organizationIndex.all(noOrganization)).map(({ id }) => id)
  return [...new Set([orgId, sampleOrgId, ...registered])]
}

/** The pipeline's steps, as the state machine names them: what the functions of the same name are on AWS. */
function pipelineOver(runtime: Runtime, log: Log): Workflow {
  const inTurn = pLimit(normalizationsAtOnce)
  const context = (given: { orgId: string }) =>
    makeContext({ orgId: given.orgId, actor: Actor.system('pipeline'), runtime, log })
  return {
    definition,
    steps: {
      Normalize: async (input: Normalize.Input & { orgId: string }) =>
        await inTurn(async () => await Normalize.run(context(input), input)),
      Detect: Detect.run,
      Recommend: Recommend.run,
      Track: Track.run,
      Announce: async (input: { importId: string; orgId: string }) => await Announce.run(context(input), input),
      RecordFailure: async (input: RecordFailure.Input & { orgId: string }) =>
        await RecordFailure.run(context(input), input),
    },
  }
}

/** Goes on with what a kill cut off. Deliveries whose bytes never came complete are forgotten after a day. */
async function resumed(
  organizations: readonly Context[],
  services: Services,
  sweep: () => Promise<void>,
): Promise<Product['interrupted']> {
  if (services.attached) return []
  const imports = await Promise.all(
    organizations.map(async (ctx) => (await Import.list(ctx)).map((info) => ({ ctx, info }))),
  )
  const open = imports.flat().filter(({ info: { status } }) => status === 'running' || status === 'uploading')
  await services.resume()
  await sweep()
  const started = await Promise.all(
    open.map(async ({ ctx, info: { id } }) => ((await hasExecution(services, id)) ? [{ ctx, id }] : [])),
  )
  return started.flat()
}

async function hasExecution({ runtime }: Services, id: string): Promise<boolean> {
  return (await runtime.workflows.describe('pipeline', id)) !== undefined
}

/** Throws Fault `invalid` where the path, or one on the way to it, is a file. */
export async function refuseFile(dataDir: string): Promise<void> {
  const isBlocked = await stat(dataDir).then(
    (found) => !found.isDirectory(),
    (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOTDIR',
  )
  if (isBlocked)
    throw new Fault(
      'invalid',
      `${resolve(dataDir)} cannot be the data folder: there is a file of that name. Name a folder with --data.`,
    )
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
