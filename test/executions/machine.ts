import { vi } from 'vitest'
import {
  Actor,
  CloudAccount,
  type Context,
  type Event,
  Executions,
  Fault,
  type Organization,
  type Role,
  permissionsOf,
  type Runtime,
  tableOf,
  wiring,
  type Workflows,
} from '@cloudoptima/core'
import { type MemoryRuntime, memoryRuntime, over, testContext } from '@cloudoptima/core/testing'
import { createInterpreter, type Interpreter } from '../../packages/local/src/services/workflows/workflows.ts'
import { instanceCloud, type InstanceCloud, safety } from './cloud.ts'

export const orgId = 'org_1'
const accountIdOf = (n: number) => String(123456789012 + n)

/** An organization with some people and one account, over tables in memory, whose processes can be killed. */
export interface Machine {
  cloud: InstanceCloud
  store: MemoryRuntime
  /** Kills the process after so many effects, of one name if it is given; `false` at the effect, `true` after it. */
  killAfter(effects: number, isDone: boolean, name?: string): void
  /** Kills it before the step of the workflow with this number, or after it. */
  killAtStep(number: number, isDone: boolean): void
  /** Steps of all its processes. */
  steps(): number
  as(userId: string): Context
  /** With an API key that a user has made, and that may do all that the user may. */
  byKeyOf(userId: string): Context
  /** Lets time pass, and starts the process again if it is dead, until nothing waits but for people and bills. */
  settle(): Promise<void>
  /** Starts the process again. */
  restart(): Promise<void>
  pass(seconds: number): Promise<void>
  request(given?: Partial<Executions.ExecutionRequest>): Promise<string>
  execution(id: string): Promise<Awaited<ReturnType<typeof Executions.get>>>
  kills(): number
  /** Effects of all its processes. */
  effects(): number
  whenRestarted(): void
  /** Delivers what is published, and lets a minute pass. */
  turn(): Promise<boolean>
  until(isSo: () => boolean): Promise<void>
  tick(ms: number): Promise<void>
  /** Of a request, if it names no others. */
  resources(): Executions.ExecutionRequest['resources']
  organization(change: Partial<Organization.Info>): Promise<void>
  /** The steps of the workflow that fail. */
  failing: Set<string>
  /** Complaints of witnesses. */
  violations: string[]
  /** Somebody else has changed a resource. */
  isTouched: boolean
  /** The first answer of each step is lost, so that the step is called again. */
  isDoubled: boolean
}

export const people: Record<string, Role> = {
  usr_dev: 'devops',
  usr_cfo: 'cfo',
  usr_admin: 'admin',
  usr_engineer: 'engineer',
}

const names = ['execution.requested', 'rollback.requested', 'execution.decided', 'approval.requested'] as const

/** Each with some of the resources, in turns. */
export async function openMachine(ids: readonly string[], accounts = 1): Promise<Machine> {
  const cloud = instanceCloud(ids)
  const store = memoryRuntime()
  store.cloud.action = async (access) => cloud.action(access)
  const quiet = testContext(store, { orgId, now: () => new Date(), actor: Actor.system('test') })
  await furnish(quiet, accounts)
  let fence: { left: number; isDone: boolean; name?: string | undefined } | undefined
  const failing = new Set<string>()
  let process = begin()
  let kills = 0
  let effects = 0
  let stepsBegun = 0
  let lastStep: { number: number; isDone: boolean } | undefined

  function begin() {
    const { promise: died, resolve: die } = Promise.withResolvers<void>()
    const life = { isDead: false, died, die: () => ((life.isDead = true), die()) }
    const around = async <Value>(effect: () => Value | Promise<Value>, name?: string): Promise<Value> => {
      if (life.isDead) return await never
      effects++
      if (fence && (fence.name === undefined || fence.name === name) && fence.left-- === 0) {
        life.die()
        const { isDone } = fence
        fence = undefined
        kills++
        if (isDone) await effect()
        return await never
      }
      return await effect()
    }
    const killed = async () => {
      life.die()
      lastStep = undefined
      kills++
      return await never
    }
    cloud.around = around
    const fenced = watched(store, around)
    const runtime: Runtime = { ...fenced, workflows: undefined as never }
    const ctx = (): Context =>
      over(testContext(store, { orgId, now: () => new Date(), actor: Actor.system('machine') }), runtime)
    const steps = Object.fromEntries(
      Object.entries(wiring.workflows.remediation.steps).map(([name, { run }]) => [
        name,
        async (input: never) => {
          if (failing.has(name)) throw new Error(`${name} fails.`)
          if (life.isDead) return await never
          const isLast = lastStep?.number === stepsBegun++
          if (isLast && !lastStep?.isDone) return await killed()
          if (machine.isDoubled) await run(ctx(), input)
          const output = JSON.parse(JSON.stringify((await run(ctx(), input)) ?? null)) as unknown
          return isLast ? await killed() : output
        },
      ]),
    )
    const { definition } = wiring.workflows.remediation
    const interpreter: Interpreter = createInterpreter({
      tables: fenced.tables,
      workflows: { remediation: { definition, steps } },
      log: ctx().log,
    })
    runtime.workflows = interpreter
    return { life, runtime, interpreter, ctx }
  }

  /** Each event at least once: what the relay left is published by its sweep. */
  async function deliver(): Promise<boolean> {
    const { ctx, life } = process
    for await (const { noun, id, events } of store.outbox.pending('9999')) {
      store.events.push(...events.filter((one): one is Event => one.name !== 'change.begun'))
      await tableOf(store.tables, noun).acknowledge(
        orgId,
        id,
        events.map((one) => one.id),
      )
    }
    const wanted = store.events.splice(0).filter(({ name }) => names.some((known) => known === name))
    for (const [index, event] of wanted.entries()) {
      const found = Object.values(wiring.subscriptions).filter((one) => one.event === event.name)
      for (const { run } of found) await Promise.race([run(ctx(), event), life.died])
      if (!life.isDead) continue
      store.events.push(...wanted.slice(index))
      break
    }
    return wanted.length > 0
  }

  async function tick(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms)
    await new Promise<void>((resolve) => setImmediate(resolve))
  }

  const machine: Machine = {
    cloud,
    store,
    tick,
    resources: () => requestOf(ids, accounts).resources,
    kills: () => kills,
    effects: () => effects,
    steps: () => stepsBegun,
    killAtStep: (number, isDone) => void (lastStep = { number, isDone }),
    whenRestarted: () => undefined,
    failing,
    violations: [],
    isTouched: false,
    isDoubled: false,
    async turn() {
      if (process.life.isDead) await machine.restart()
      const isBusy = await deliver()
      await tick(60_000)
      return isBusy
    },
    async until(isSo) {
      while (!isSo()) {
        await deliver()
        await tick(1000)
      }
    },
    async organization(change) {
      await store.tables.organizations.update(orgId, orgId, (found) => ({ ...found, ...change }))
    },
    killAfter: (left, isDone, name) => void (fence = { left, isDone, name }),
    // The API is another process, which is not killed.
    as(userId) {
      const { interpreter, life } = process
      const start: Workflows['start'] = async (...given) =>
        await Promise.race([interpreter.start(...given), gone(life)])
      const stop: Workflows['stop'] = async (...given) => await Promise.race([interpreter.stop(...given), gone(life)])
      const describe: Workflows['describe'] = async (...given) =>
        await Promise.race([interpreter.describe(...given), gone(life)])
      return over(userContext(store, userId), { ...store, workflows: { ...interpreter, start, stop, describe } })
    },
    byKeyOf(userId) {
      const ctx = machine.as(userId)
      return { ...ctx, actor: { ...ctx.actor, kind: 'key', id: `key_${userId}` } }
    },
    async restart() {
      process.life.die()
      process = begin()
      machine.whenRestarted()
      await Promise.race([process.interpreter.resume(), process.life.died])
    },
    async pass(seconds) {
      await tick(seconds * 1000)
      await machine.settle()
    },
    async settle() {
      // Waits of the engine are at most five minutes; those for people and bills are a day and more.
      for (let quietTurns = 0, turns = 0; quietTurns < 8; turns++) {
        if (turns > mostTurns)
          throw new Error(`It does not end: ${JSON.stringify(await store.tables.policyExecutions.all(orgId))}`)
        const isBusy = await machine.turn()
        const live = await Promise.all(
          (['planning', 'executing', 'rolling_back'] as const).map(
            async (status) => await store.tables.policyExecutions.count(orgId, status),
          ),
        )
        quietTurns = isBusy || live.some((count) => count > 0) ? 0 : quietTurns + 1
      }
    },
    async request(given = {}) {
      const ctx = machine.as(given.requestedBy ?? 'usr_dev')
      const { executionId } = await Executions.request(ctx, { ...requestOf(ids, accounts), ...given })
      return executionId
    },
    execution: async (id) => await Executions.get(machine.as('usr_admin'), { id }),
  }
  return machine
}

async function gone({ died }: { died: Promise<void> }): Promise<never> {
  await died
  throw new Fault('unavailable', 'The process was killed.')
}

/** Of a minute: the waits of an execution are a day at most. */
const mostTurns = 3000
const never = new Promise<never>(() => undefined)

/** The runtime with each effect of its tables through `around`. */
function watched(
  runtime: MemoryRuntime,
  around: <Value>(effect: () => Promise<Value>, name: string) => Promise<Value>,
): MemoryRuntime {
  const tables = new Proxy(runtime.tables, {
    get: (target, noun) => {
      const table = Reflect.get(target, noun) as Record<string, unknown>
      return new Proxy(table, {
        get: (own, verb) => {
          const act = Reflect.get(own, verb) as unknown
          if (typeof act !== 'function') return act
          return async (...input: unknown[]) =>
            await around(
              async () => await (act as (...given: unknown[]) => Promise<unknown>)(...input),
              `${String(noun)}.${String(verb)}`,
            )
        },
      })
    },
  })
  return { ...runtime, tables }
}

function userContext(store: MemoryRuntime, id: string): Context {
  const role = people[id] ?? 'viewer'
  return testContext(store, {
    orgId,
    now: () => new Date(),
    actor: { kind: 'user', id, role, permissions: permissionsOf(role) },
  })
}

async function furnish(ctx: Context, accounts: number): Promise<void> {
  const at = ctx.now().toISOString()
  await ctx.tables.organizations.put(orgId, {
    id: orgId,
    name: 'Example',
    isDemo: false,
    tier: 'pro',
    currency: 'USD',
    timeZone: 'UTC',
    retention: { snapshotDays: null },
    approvalRules: { approvals: 1, allowSelfApproval: false },
    requireSecondFactor: false,
    createdAt: at,
    updatedAt: at,
    version: 1,
    adminIds: ['usr_admin'],
  })
  for (const [id, role] of Object.entries(people))
    await ctx.tables.users.put(orgId, {
      id,
      email: `${role}@example.com`,
      fullName: role,
      role,
      isActive: true,
      emailVerified: true,
      hasSecondFactor: false,
      lastLogin: null,
      createdAt: at,
      updatedAt: at,
      version: 1,
    })
  for (let n = 0; n < accounts; n++) await connect(ctx, `acc_${n + 1}`, accountIdOf(n))
}

async function connect(ctx: Context, id: string, accountId: string): Promise<void> {
  const account = {
    id,
    provider: 'aws' as const,
    accountId,
    accountName: 'Example',
    status: 'active' as const,
    verificationStatus: 'verified' as const,
    verification: null,
    canAct: true,
    lastSync: null,
    createdAt: ctx.now().toISOString(),
    version: 1,
  }
  const credentials = { cloud: 'aws' as const, roleArn: `arn:aws:iam::${accountId}:role/A`, externalId: 'x' }
  await ctx.tables.cloudAccounts.put(orgId, {
    ...account,
    sealed: await CloudAccount.seal(ctx, account.id, credentials),
    sealedToAct: await CloudAccount.sealToAct(ctx, account.id, credentials),
  })
}

let requests = 0

function requestOf(ids: readonly string[], accounts: number): Executions.ExecutionRequest {
  return {
    key: `request ${requests++}`,
    cause: { kind: 'policy', policyId: 'pol_1', policyName: 'Smaller instances', trigger: { type: 'manual' } },
    action: { name: 'resize-instance', parameters: { type: 'small' } },
    resources: ids.map((id, n) => ({
      provider: 'aws',
      accountId: accountIdOf(n % accounts),
      id,
      aliases: [],
      kind: 'instance',
      name: `name of ${id}`,
      region: 'eu-west-1',
      zone: null,
      monthlyCost: { amount: '10', currency: 'USD' },
    })),
    fleetSize: ids.length,
    safetyControls: safety,
    dryRun: false,
    requestedBy: 'usr_dev',
  }
}
