import { join, resolve } from 'node:path'
import { Fault, type Blobs, type Execution, type Lake, type Log, type Runtime } from '@cloudoptima/core'
import { createRuntime, type Connection } from '@cloudoptima/runtime'
import { createBus, type LocalBus } from './bus.ts'
import { isAlive, remote, serveControl } from './control.ts'
import { createDataKeys, prepareDataKey } from '../keys/data-keys.ts'
import { createTable, startDynamodb, sweepExpired } from '../embedded/dynamodb.ts'
import { tryLock } from '../process/lock.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { makePrivateFolder } from '../keys/private-file.ts'
import { repeat } from '../process/repeat.ts'
import { readRunning, removeRunning, writeRunning, type Running } from '../process/running.ts'
import { startS3 } from '../embedded/s3.ts'
import { prepareSigningKeys, readSigningKeys } from '../keys/signing-keys.ts'
import { createInterpreter, pollEnd, type Steps } from './workflows.ts'

export interface BootOptions {
  /** Everything that is remembered lies in this folder. */
  dataDir: string
  lake: (blobs: Blobs) => Lake
  /** Reaches customers' clouds; without it nobody does. */
  clouds?: () => Promise<Runtime['clouds']>
  /** Whether providers and issuers that customers choose may be on this machine itself. Not where others choose them: they would ask its other servers. */
  allowLoopback?: boolean
  /** Where the API of this process is reached; undefined while it has none. */
  publicUrl?: () => string | undefined
  /** The product's own step functions, over the runtime that this boot makes. */
  steps: (runtime: Runtime) => Steps
  log: Log
  /** Stands between the product and its effects, the interpreter's included: where a test watches them. */
  wrap?: (runtime: Runtime) => Runtime
}

/** The runtime on this machine, and what a command line needs besides. */
export interface Services {
  runtime: Runtime
  endpoints: Running['endpoints']
  /** The mail that this machine would have sent. */
  outbox: Pick<Outbox, 'list' | 'onMail'>
  /** True when another process holds the data folder, and this one uses its services. */
  attached: boolean
  /** Where the API of the process that holds the folder answers. */
  api: string | undefined
  /** Tells other processes on the folder where the API of this one answers. */
  announceApi(url: string): Promise<void>
  /** In the process that holds the folder; elsewhere there is nothing to hear. */
  subscribe: LocalBus['subscribe']
  /** Goes on with executions that a kill cut off; answers how many. Call it once subscribers are there. */
  resume(): Promise<number>
  /** The execution of this name when it has ended. */
  settled(name: string): Promise<Execution.Info>
  close(): Promise<void>
}

const tableName = 'cloudoptima'
const bucketName = 'cloudoptima'
/** Never the keys of a developer's account: these servers take any. */
const connection = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
} satisfies Connection
const tokenIssuer = 'urn:cloudoptima:local'
const patienceMs = 15_000
const hourMs = 3600 * 1000

/** Starts the embedded services on a data folder, or attaches to those of the process that holds it. */
export async function boot(options: BootOptions): Promise<Services> {
  const dataDir = resolve(options.dataDir)
  await makePrivateFolder(dataDir)
  const deadline = Date.now() + patienceMs
  for (;;) {
    const lock = tryLock(dataDir)
    if (lock) return await hold({ ...options, dataDir }, lock)
    const running = await readRunning(dataDir)
    if (running && (await isAlive(running.control))) return attach({ ...options, dataDir }, running)
    if (Date.now() > deadline)
      throw new Fault(
        'unavailable',
        `Another process holds ${dataDir}, but does not answer. End it, or use another data folder.`,
      )
    await new Promise((wake) => setTimeout(wake, 100))
  }
}

async function hold(options: BootOptions, lock: { release(): void }): Promise<Services> {
  const { dataDir, steps, log, wrap = (runtime) => runtime } = options
  await removeRunning(dataDir)
  const closers: (() => void | Promise<void>)[] = [() => lock.release()]
  const close = async () => {
    for (const end of closers.splice(0).reverse()) await end()
  }
  try {
    await prepareKeys(keysIn(dataDir))
    const dynamodb = await startDynamodb(join(dataDir, 'dynamodb'))
    closers.push(dynamodb.close)
    const s3 = await startS3({ objects: join(dataDir, 's3'), queues: join(dataDir, 'sqs') }, bucketName)
    closers.push(s3.close)
    const table = { ...connection, endpoint: dynamodb.url }
    await createTable(table, tableName, dataDir)
    closers.push(
      repeat(
        'change the keys that sign',
        hourMs,
        log,
        async () => await prepareSigningKeys(keysIn(dataDir), new Date()),
      ).stop,
    )
    closers.push(
      repeat('sweep what has expired', hourMs, log, async () => await sweepExpired(table, tableName, new Date())).stop,
    )

    const endpoints = { dynamodb: dynamodb.url, s3: s3.url }
    const bus = createBus(log)
    const { outbox, base } = runtimeOver(endpoints, options)
    const runtime = wrap({ ...base, bus })
    const interpreter = createInterpreter({ table: runtime.tables.executions, steps: steps(runtime), log })
    runtime.workflows = interpreter
    closers.push(() => interpreter.close())
    const control = await serveControl({ bus, workflows: interpreter })
    closers.push(control.close)

    const running: Running = {
      pid: process.pid,
      startedAt: new Date().toISOString(),
      endpoints,
      control: { url: control.url, token: control.token },
    }
    closers.push(async () => await removeRunning(dataDir))
    await writeRunning(dataDir, running)
    return {
      runtime,
      endpoints,
      outbox,
      attached: false,
      api: undefined,
      announceApi: async (api) => await writeRunning(dataDir, { ...running, api }),
      subscribe: bus.subscribe,
      resume: interpreter.resume,
      settled: interpreter.settled,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function attach(options: BootOptions, { endpoints, control, api }: Running): Services {
  const { outbox, base } = runtimeOver(endpoints, options)
  const runtime: Runtime = { ...base, ...remote(control) }
  return {
    runtime,
    endpoints,
    outbox,
    attached: true,
    api,
    announceApi: () => Promise.reject(new Fault('conflict', 'Another process holds the data folder.')),
    subscribe: () => undefined,
    resume: () => Promise.resolve(0),
    settled: async (name) => {
      try {
        return await pollEnd(runtime.tables.executions, name)
      } catch (error) {
        if (await isAlive(control)) throw error
        throw new Fault(
          'unavailable',
          'The process that ran the import has ended. Start again: the import goes on where it was.',
        )
      }
    },
    close: () => Promise.resolve(),
  }
}

/** What the processes on a data folder have alike: the embedded services, the outbox in them, and the keys in the folder. */
function runtimeOver(
  endpoints: Running['endpoints'],
  { dataDir, lake, clouds, publicUrl = () => undefined, allowLoopback = false }: BootOptions,
): { base: Runtime; outbox: Outbox } {
  const keys = keysIn(dataDir)
  const identity = { tokenIssuer, readSigningKeys: async () => await readSigningKeys(keys), allowLoopback }
  const runtime = createRuntime({
    ...connection,
    endpoints,
    tableName,
    bucketName,
    lake,
    publicUrl,
    ...identity,
    ...(clouds && { clouds }),
  })
  const outbox = createOutbox(runtime.tables.mails)
  return { base: { ...runtime, mail: outbox, dataKeys: createDataKeys(keys) }, outbox }
}

async function prepareKeys(folder: string): Promise<void> {
  await makePrivateFolder(folder)
  await prepareDataKey(folder)
  await prepareSigningKeys(folder, new Date())
}

function keysIn(dataDir: string): string {
  return join(dataDir, 'keys')
}
