import type { Timer } from '../effects/timers.ts'
import { createHmac, createSecretKey, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { system } from '../kernel/actor.ts'
import * as BlobKey from '../effects/blob-key.ts'
import type { Context } from '../effects/context.ts'
import type { Event } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import * as Id from '../kernel/id.ts'
import type { Lake } from '../effects/lake.ts'
import {
  type Anchor,
  type Blobs,
  type Claims,
  type Message,
  type Queues,
  type Runtime,
  type SendOptions,
  type Workflows,
  type Workspace,
} from '../effects/runtime.ts'
import type { AwsSetup, Clouds, Provider, Verification } from '../effects/clouds.ts'
import type { Tables } from '../effects/tables.ts'
import { relayed } from '../effects/relay.ts'
import { memoryTables } from './tables.ts'

export { adviceIn } from './advice.ts'
export { executionIn } from './execution.ts'

type ActCall = 'tags' | 'retag' | 'action'

/** A test runtime in memory that records published events, started workflows, messages and mails. */
export interface MemoryRuntime extends Runtime {
  events: Event[]
  started: { name: string; input: unknown }[]
  sent: { queue: string; data: unknown; options: SendOptions }[]
  /** The timers. */
  held: Map<string, Timer>
  mails: Message[]
  /** Answer of all clouds to `verify`. */
  verification: Verification
  /** What all clouds have; nothing by default. */
  cloud: Omit<Provider, 'verify' | ActCall> & Partial<Pick<Provider, ActCall>>
}

/** The default lake throws a Fault on any use, as in a function without DuckDB. */
export function memoryRuntime(lake: (blobs: Blobs) => Partial<Lake> = () => ({})): MemoryRuntime {
  const events: Event[] = []
  const started: MemoryRuntime['started'] = []
  const sent: MemoryRuntime['sent'] = []
  const held: MemoryRuntime['held'] = new Map()
  const blobs = memoryBlobs()
  const mails: Message[] = []
  const missing = async (): Promise<never> => {
    throw new Fault('unavailable', 'This function carries no lake.')
  }
  const runtime: MemoryRuntime = {
    ...memoryEffects(),
    ...memoryTables(),
    blobs,
    events,
    started,
    sent,
    mails,
    publicUrl: () => 'https://example.com',
    verification: { ok: true, problems: [], missing: [] },
    mail: { send: async (message) => void mails.push(message) },
    cloud: { bills: nothing, preliminary: nothing, inventory: nothing, utilization: nothing, prices: nothing },
    clouds: memoryClouds(() => runtime),
    exchangeRates: undefined,
    timeSeries: { write: missing },
    lake: {
      normalize: missing,
      writeRows: missing,
      compareResources: missing,
      query: missing,
      export: missing,
      ...lake(blobs),
    },
    bus: { publish: async (event) => void events.push(event) },
    workflows: memoryWorkflows(started),
    workspace: temporaryWorkspace,
    held,
    timers: {
      put: async (orgId, timer) => void held.set(`${orgId}/${timer.id}`, structuredClone(timer)),
      remove: async (orgId, id) => void held.delete(`${orgId}/${id}`),
    },
    queues: memoryQueues(sent),
  }
  return runtime
}

const temporaryWorkspace: Workspace = {
  async within(use) {
    const folder = await mkdtemp(join(tmpdir(), 'cloudoptima-'))
    try {
      return await use(folder)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** Queues without consumers. */
function memoryQueues(sent: MemoryRuntime['sent']): Queues {
  const depthOf = (queue: string) => ({
    queue,
    waiting: sent.filter((message) => message.queue === queue).length,
    inFlight: 0,
    delayed: 0,
    oldestSeconds: null,
    dead: 0,
  })
  return {
    send: async (queue, data, options = {}) => void sent.push(structuredClone({ queue, data, options })),
    depths: async (queues) => queues.map(depthOf),
    deadLetters: async () => [],
    redrive: async () => 0,
  }
}

/** Records starts; nothing runs, so no token exists. */
function memoryWorkflows(started: MemoryRuntime['started']): Workflows {
  const noToken = () => Promise.reject(new Fault('conflict', 'No task waits for this token.'))
  return {
    start: async (_, name, input) => void started.push({ name, input }),
    stop: async () => undefined,
    describe: async (_, name) => (started.some((one) => one.name === name) ? { status: 'running' } : undefined),
    succeed: noToken,
    fail: noToken,
  }
}

async function* nothing(): AsyncGenerator<never> {}

function memoryClouds(runtime: () => Pick<MemoryRuntime, 'verification' | 'cloud'>): Clouds {
  const access: Provider = {
    verify: async () => runtime().verification,
    bills: (given) => runtime().cloud.bills(given),
    preliminary: (given) => runtime().cloud.preliminary(given),
    inventory: (given) => runtime().cloud.inventory(given),
    utilization: (given, asked) => runtime().cloud.utilization(given, asked),
    prices: (given, asked) => runtime().cloud.prices(given, asked),
    tags: async (given, resources) =>
      (await runtime().cloud.tags?.(given, resources)) ?? resources.map(({ id }) => ({ id, tags: {} })),
    retag: async (given, changes) =>
      (await runtime().cloud.retag?.(given, changes)) ?? changes.map(({ resource: { id } }) => ({ id })),
    action: async (given, name) => await runtime().cloud.action?.(given, name),
  }
  const setup: AwsSetup = {
    templates: async () => ({ read: '{"read":true}', act: '{"act":true}' }),
    principal: async () => 'arn:aws:iam::999999999999:root',
    quickCreateUrl: async ({ externalId }) => `https://console.example.com/?external=${externalId}`,
  }
  return { aws: { ...access, ...setup }, azure: access, gcp: access }
}

type Effects = Pick<Runtime, 'anchors' | 'counters' | 'dataKeys' | 'passwords' | 'tokens' | 'openId'>

/** Fast fakes: a cheap hash, and tokens signed with a secret of this process. */
function memoryEffects(): Effects {
  const counts = new Map<string, number>()
  const anchors: (Anchor & { orgId: string })[] = []
  // Node needs six times as long for a key of bytes.
  const secret = createSecretKey(randomBytes(32))
  const mac = (text: string): string => createHmac('sha256', secret).update(text).digest('base64url')
  const passwordHash = (password: string): string => mac(`password ${password}`)
  const unauthenticated = (): never => {
    throw new Fault('unauthenticated', 'This token is invalid.')
  }
  const missing = async (): Promise<never> => {
    throw new Fault('unavailable', 'Tests of this runtime reach no other issuer.')
  }
  return {
    anchors: {
      put: async (orgId, anchor) => {
        if (!anchors.some(({ hash }) => hash === anchor.hash))
          anchors.push({ ...anchor, orgId, at: '2026-11-23T08:00:00.000Z' })
      },
      async list(orgId) {
        const own = anchors.filter((anchor) => anchor.orgId === orgId).toSorted((a, b) => a.sequence - b.sequence)
        return (async function* () {
          yield* own
        })()
      },
    },
    counters: {
      async add(orgId, key, amount) {
        const sum = (counts.get(`${orgId}/${key}`) ?? 0) + amount
        counts.set(`${orgId}/${key}`, sum)
        return sum
      },
      get: async (orgId, key) => counts.get(`${orgId}/${key}`) ?? 0,
    },
    dataKeys: {
      generate: async (context) => ({
        key: createHmac('sha256', secret).update(JSON.stringify(context)).digest(),
        wrapped: mac(JSON.stringify(context)),
      }),
      async unwrap(wrapped, context) {
        if (wrapped !== mac(JSON.stringify(context))) throw new Fault('unavailable', 'The key does not fit.')
        return createHmac('sha256', secret).update(JSON.stringify(context)).digest()
      },
    },
    passwords: {
      hash: async (password) => passwordHash(password),
      verify: async (hash, password) => hash === passwordHash(password),
      needsRehash: async () => false,
    },
    tokens: {
      issuer: 'urn:test',
      audience: 'test',
      async sign(claims) {
        const payload = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
        return `${payload}.${mac(payload)}`
      },
      async verify(token) {
        const [header = '', payload = '', signature = ''] = token.split('.')
        if (signature !== mac(`${header}.${payload}`)) return unauthenticated()
        return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims
      },
      keys: async () => ({ keys: [] }),
      verifyIssued: missing,
      checkIssuer: async () => undefined,
    },
    openId: { begin: missing, finish: missing, check: async () => undefined },
  }
}

/** A context on a fixed clock. */
export function testContext(runtime: Runtime, given: Partial<Context> = {}): Context {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const now = given.now ?? (() => new Date('2026-11-23T08:00:00Z'))
  return {
    orgId: 'org_test',
    actor: system('test'),
    requestId: 'req_test',
    now,
    newId: (prefix) => Id.create(prefix, now()),
    log,
    tables: relayed(runtime, given.log ?? log),
    runtime,
    ...given,
  }
}

function memoryBlobs(): Blobs {
  const objects = new Map<string, Uint8Array>()
  const blobs: Blobs = {
    put: async (orgId, key, body) => void objects.set(BlobKey.of(orgId, key), Uint8Array.from(body)),
    putFile: async (orgId, key, path) => void objects.set(BlobKey.of(orgId, key), await readFile(path)),
    async get(orgId, key) {
      const object = objects.get(BlobKey.of(orgId, key))
      if (!object) throw new Fault('not_found', `There is no object ${key}.`)
      return object
    },
    async stream(orgId, key) {
      const object = await blobs.get(orgId, key)
      return (async function* () {
        yield object
      })()
    },
    async list(orgId, prefix) {
      const beginning = BlobKey.prefixOf(orgId, prefix)
      const found = [...objects].filter(([key]) => key.startsWith(beginning))
      return found
        .map(([key, body]) => ({ key: key.slice(orgId.length + 1), bytes: body.byteLength }))
        .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    },
    remove: async (orgId, key) => void objects.delete(BlobKey.of(orgId, key)),
    copy: async (orgId, from, to) => await blobs.put(orgId, to, await blobs.get(orgId, from)),
    uploadUrl: async (orgId, key, expiresSeconds, bytes) =>
      `memory://uploads/${orgId}/${key}?expires=${expiresSeconds}&bytes=${bytes}`,
    downloadUrl: async (orgId, key, expiresSeconds) =>
      `https://memory.example.com/${orgId}/${key}?expires=${expiresSeconds}`,
  }
  return blobs
}

/** The same context in another process over the same stores. */
export function over(ctx: Context, runtime: Runtime): Context {
  return { ...ctx, runtime, tables: relayed(runtime, ctx.log) }
}

/** The tables with some of them replaced. */
export function replacing(tables: Tables, own: Partial<Tables>): Tables {
  return new Proxy(tables, { get: (target, noun) => own[noun as keyof Tables] ?? target[noun as keyof Tables] })
}
