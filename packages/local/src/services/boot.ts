import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  Fault,
  type Blobs,
  type Execution,
  type Lake,
  type Log,
  type Runtime,
  timerQueue,
  type Wiring,
} from '@cloudoptima/core'
import { createRuntime, type Connection } from '@cloudoptima/runtime'
import { createBus, queuesOf } from './bus.ts'
import { isAlive, remote, serveControl } from './control.ts'
import { createAnchors } from './anchors.ts'
import { createDataKeys, prepareDataKey } from '../keys/data-keys.ts'
import { createTable, repairIndexes, startDynamodb, sweepExpired } from '../embedded/dynamodb.ts'
import { queueUrl, type QueueRows } from '../embedded/queues.ts'
import { tryLock, readRunning, removeRunning, writeRunning, type Running } from '../process/running.ts'
import { keptMails, type KeptMails } from './kept-mails.ts'
import { makeContentPrivate, makeDataFolder, makePrivateFolder } from '../keys/private-file.ts'
import { pollQueues } from './queue-poller.ts'
import { inspected } from './queues.ts'
import type { ContextOf } from './rows.ts'
import { repeat } from '../process/repeat.ts'
import { startS3 } from '../embedded/s3.ts'
import { rememberedRows } from './remembered-rows.ts'
import { prepareSigningKeys, readSigningKeys } from '../keys/signing-keys.ts'
import { createTimers, fireTimers } from './timers.ts'
import { pollEnd } from './workflows/executions.ts'
import { createInterpreter, type Workflow } from './workflows/workflows.ts'

export interface BootOptions {
  dataDir: string
  lake: (blobs: Blobs) => Lake
  clouds?: () => Promise<Runtime['clouds']>
  exchangeRatesUrl?: string | undefined
  /** Allows OpenID providers on this machine; false if other machines could configure them (SSRF). */
  allowLoopback?: boolean
  /** URL of this process's API, once it has one. */
  publicUrl?: () => string | undefined
  workflows: (runtime: Runtime) => Record<string, Workflow>
  queues?: QueueRows
  subscriptions?: Wiring['subscriptions']
  log: Log
  /** Lets a test observe every effect. */
  wrap?: (runtime: Runtime) => Runtime
}

export interface Services {
  runtime: Runtime
  endpoints: Running['endpoints']
  connection: Required<Connection>
  mails: Pick<KeptMails, 'list' | 'onMail'>
  /** To another process that holds the data folder. */
  attached: boolean
  api: string | undefined
  /** For other processes. */
  recordApi(url: string): Promise<void>
  /** Resumes interrupted executions, now and every minute; returns all that run. */
  resume(): Promise<Execution.Info[]>
  /** The queues whose name `takes` accepts, by default all. */
  consume(contextOf: ContextOf, takes?: (queue: string) => boolean): void
  whenEnded(workflow: string, name: string): Promise<Execution.Info>
  close(): Promise<void>
}

const tableName = 'cloudoptima'
const bucketName = 'cloudoptima'
/** The identity of this machine's processes for its embedded servers, never a developer's own. */
function connectionBy(secret: string) {
  const credentials = { accessKeyId: 'local', secretAccessKey: secret }
  return { region: 'us-east-1', credentials } satisfies Connection
}
const tokenIssuer = 'urn:cloudoptima:local'
const patienceMs = 15_000
const minuteMs = 60_000
const hourMs = 60 * minuteMs
const timersMs = 5_000

/** Or attaches to the process that holds the folder. */
export async function boot(options: BootOptions): Promise<Services> {
  const dataDir = resolve(options.dataDir)
  // Also for the files of the embedded servers and of DuckDB.
  process.umask(0o077)
  await makeDataFolder(dataDir)
  const deadline = Date.now() + patienceMs
  for (;;) {
    const lock = tryLock(dataDir)
    if (lock) return await hold({ ...options, dataDir }, lock)
    const running = await readRunning(dataDir)
    if (running && (await isAlive(running.control))) return await attach({ ...options, dataDir }, running)
    if (Date.now() > deadline)
      throw new Fault(
        'unavailable',
        `Another process holds ${dataDir} and does not answer. End it, or use another data folder.`,
      )
    await new Promise((wake) => setTimeout(wake, 100))
  }
}

async function hold(options: BootOptions, lock: { release(): void }): Promise<Services> {
  const { dataDir, workflows, log, subscriptions = {}, wrap = (runtime) => runtime } = options
  const queues = queuesOf({ queues: options.queues ?? {}, subscriptions })
  // A process that ends removes it.
  const wasKilled = (await readRunning(dataDir)) !== undefined
  // A collection that outlives the end may still write.
  const removeWork = async () => await rm(workIn(dataDir), { recursive: true, force: true, maxRetries: 5 })
  const closers: (() => void | Promise<void>)[] = [() => lock.release(), removeWork]
  const close = async () => {
    for (const end of closers.splice(0).reverse()) await end()
  }
  try {
    await makeContentPrivate(dataDir)
    await removeWork()
    await prepareKeys(keysIn(dataDir))
    const secret = randomBytes(24).toString('base64url')
    const connection = connectionBy(secret)
    const heads = rememberedRows()
    const dynamodb = await startDynamodb(join(dataDir, 'dynamodb'), secret, { text: '#heads"', write: heads.write })
    closers.push(dynamodb.close)
    const s3 = await startS3({ objects: join(dataDir, 's3'), queues: join(dataDir, 'sqs') }, bucketName, {
      connection,
      rows: queues,
    })
    closers.push(s3.close)
    const table = { ...connection, endpoint: dynamodb.url }
    await createTable(table, tableName, dataDir)
    if (wasKilled) await repairIndexes(table, tableName)
    await removeRunning(dataDir)
    closers.push(
      repeat('rotate the signing keys', hourMs, log, async () => await prepareSigningKeys(keysIn(dataDir), new Date()))
        .stop,
    )
    closers.push(repeat('remove expired items', hourMs, log, () => sweepExpired(table, tableName, new Date())).stop)

    const endpoints = { dynamodb: dynamodb.url, s3: s3.url, sqs: s3.url }
    const { mails, base } = await runtimeOver({ endpoints, secret }, options)
    // Each cost question reads the head.
    base.tables.heads.get = heads.over(base.tables.heads.get)
    const runtime = wrap(base)
    const interpreter = createInterpreter({ tables: runtime.tables, workflows: workflows(runtime), log })
    runtime.workflows = interpreter
    closers.push(() => interpreter.close())
    const control = await serveControl(interpreter)
    closers.push(control.close)

    const running: Running = {
      pid: process.pid,
      startedAt: new Date().toISOString(),
      endpoints,
      secret,
      control: { url: control.url, token: control.token },
    }
    closers.push(() => removeRunning(dataDir))
    await writeRunning(dataDir, running)
    return {
      runtime,
      endpoints,
      connection,
      mails,
      attached: false,
      api: undefined,
      recordApi: (api) => writeRunning(dataDir, { ...running, api }),
      async resume() {
        const running = await interpreter.resume()
        closers.push(repeat('resume interrupted executions', minuteMs, log, interpreter.resume).stop)
        return running
      },
      consume(contextOf, takes = () => true) {
        const endpoint = { ...connection, endpoint: endpoints.sqs }
        const taken = Object.fromEntries(Object.entries(queues).filter(([name]) => takes(name)))
        closers.push(pollQueues({ connection: endpoint, queues: taken, contextOf, log }).stop)
        if (!(timerQueue in taken)) return
        closers.push(repeat('fire timers', timersMs, log, () => fireTimers(runtime, new Date())).stop)
      },
      whenEnded: interpreter.whenEnded,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function attach(options: BootOptions, running: Running): Promise<Services> {
  const { endpoints, secret, control, api } = running
  const { mails, base } = await runtimeOver(running, options)
  const runtime: Runtime = { ...base, workflows: remote(control) }
  return {
    runtime,
    endpoints,
    connection: connectionBy(secret),
    mails,
    attached: true,
    api,
    recordApi: () => Promise.reject(new Fault('conflict', 'Another process holds the data folder.')),
    resume: () => Promise.resolve([]),
    consume: () => undefined,
    whenEnded: async (workflow, name) => {
      try {
        return await pollEnd(runtime.tables.executions, workflow, name)
      } catch (error) {
        if (await isAlive(control)) throw error
        throw new Fault('unavailable', 'The process that ran the import has ended. Start again to resume the import.')
      }
    },
    close: () => Promise.resolve(),
  }
}

async function runtimeOver(
  { endpoints, secret }: Pick<Running, 'endpoints' | 'secret'>,
  { dataDir, lake, clouds, subscriptions = {}, publicUrl = () => undefined, ...options }: BootOptions,
) {
  const keys = keysIn(dataDir)
  const work = workIn(dataDir)
  await makePrivateFolder(work)
  const { allowLoopback = false, exchangeRatesUrl } = options
  const identity = { tokenIssuer, readSigningKeys: () => readSigningKeys(keys), allowLoopback }
  const runtime = createRuntime({
    ...connectionBy(secret),
    workDir: work,
    endpoints,
    tableName,
    bucketName,
    queueUrl: (name) => queueUrl(endpoints.sqs, name),
    lake,
    publicUrl,
    ...identity,
    clouds,
    exchangeRatesUrl,
  })
  const mails = keptMails(runtime.tables.mails)
  const queues = inspected(runtime.queues, endpoints.sqs, secret)
  const bus = createBus(queues, subscriptions)
  const timers = createTimers(runtime)
  const anchors = createAnchors(join(dataDir, 'anchors'))
  return { base: { ...runtime, anchors, queues, timers, bus, mail: mails, dataKeys: createDataKeys(keys) }, mails }
}

async function prepareKeys(folder: string) {
  await makePrivateFolder(folder)
  await prepareDataKey(folder)
  await prepareSigningKeys(folder, new Date())
}

const keysIn = (dataDir: string) => join(dataDir, 'keys')
/** Holds the files of work in progress; a start removes those of a killed process. */
const workIn = (dataDir: string) => join(dataDir, 'work')
