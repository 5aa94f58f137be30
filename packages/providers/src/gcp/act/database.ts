import {
  type ActionParameters,
  type ActionPlan,
  type ActionState,
  type ActionStep,
  type ActionTarget,
  type CloudAction,
  Fault,
  TagLimits,
  TagPlan,
} from '@cloudoptima/core'
import { differences, done, goingOn } from '../../access/steps.ts'
import { type Caller, Refusal } from '../collect/calls.ts'
import { allOf, asked, failureOf, isUnfinished, type Operation, refusedStep, type Step } from './compute.ts'

/** https://cloud.google.com/sql/docs/mysql/admin-api/rest/v1/instances */
interface Database {
  state: string
  createTime?: string
  instanceType?: string
  replicaNames?: string[]
  settings: {
    settingsVersion: string
    activationPolicy: string
    tier: string
    edition?: string
    availabilityType?: string
    userLabels?: Record<string, string>
  }
}

const running = 'ALWAYS'
const stopped = 'NEVER'

/** `createTime` tells a later instance of the same name from this one. */
function stateOf({ state, createTime, instanceType, replicaNames = [], settings }: Database) {
  const { activationPolicy, tier, edition, availabilityType, userLabels = {} } = settings
  const protection = TagLimits.protectionTags.filter((key) => key in userLabels)
  return {
    state,
    createTime: createTime ?? '',
    instanceType: instanceType ?? 'CLOUD_SQL_INSTANCE',
    replicaNames: replicaNames.toSorted(),
    activationPolicy,
    tier,
    edition: edition ?? 'ENTERPRISE',
    availabilityType: availabilityType ?? 'ZONAL',
    userLabels: Object.fromEntries(protection.map((key) => [key, userLabels[key] ?? ''])),
  }
}

type DatabaseState = ReturnType<typeof stateOf>
const given = (state: ActionState) => state as DatabaseState

/** An action that sets one setting. */
function settingAction(
  caller: Caller,
  setting: 'activationPolicy' | 'tier',
  plan: (before: DatabaseState, parameters: ActionParameters) => ActionPlan,
): CloudAction {
  const service = 'sqladmin'
  const { projectId } = caller.access.credentials
  const project = `/v1/projects/${encodeURIComponent(projectId)}`
  const pathOf = (target: ActionTarget) => `${project}/instances/${nameOf(projectId, target)}`

  async function get(target: ActionTarget): Promise<Database | undefined> {
    try {
      return await asked<Database>(caller, { api: 'cloudsql.instances.get', service, path: pathOf(target) })
    } catch (error) {
      // Google answers 403 too for an instance that does not exist; then the Fault names the permission.
      if (error instanceof Refusal && error.reason === 'notFound') return undefined
      throw error
    }
  }

  async function read(target: ActionTarget): Promise<DatabaseState | undefined> {
    const database = await get(target)
    return database && stateOf(database)
  }

  async function become(step: Step, wanted: string): Promise<ActionStep> {
    const { memory, target, before } = step.order
    const operations = await allOf<Operation>(caller, {
      api: 'cloudsql.operations.list',
      service,
      path: `${project}/operations`,
      query: { instance: nameOf(projectId, target), maxResults: '100' },
    })
    const now = await get(target)
    if (now?.createTime !== given(before).createTime) return refusedStep(step, 'The database does not exist any more.')
    if (operations.some(isUnfinished)) return goingOn(memory, 20, 'An operation on the database is not finished.')
    if (now.settings[setting] === wanted) return done(memory)
    const own = operations.find(({ name }) => name === memory[`${step.phase}Operation`])
    if (own) {
      const reason = failureOf(own) ?? 'somebody has set it back.'
      return refusedStep(withoutOperation(step), `Google Cloud did not set ${setting} to ${wanted}: ${reason}`)
    }
    return await patch(step, now.settings.settingsVersion, wanted)
  }

  /** Google refuses a version of the settings that is not the newest. */
  async function patch(step: Step, settingsVersion: string, wanted: string): Promise<ActionStep> {
    const { memory, target } = step.order
    const body = { settings: { settingsVersion, [setting]: wanted } }
    const request = { service, path: pathOf(target), method: 'PATCH' as const, body, isOnce: true }
    try {
      const { name = '' } = await asked<Operation>(caller, { ...request, api: 'cloudsql.instances.patch' })
      return goingOn({ ...memory, [`${step.phase}Operation`]: name }, 30, `The database sets ${setting} to ${wanted}.`)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { reason, says, message } = error
      if (reason === '409' || reason === '412') return goingOn(memory, 10, 'Somebody else changes the database.')
      return refusedStep(step, `Google Cloud refused it: ${(says.message || message).slice(0, 300)}`)
    }
  }

  return {
    readState: read,
    async tags(target) {
      const database = await get(target)
      return database && (database.settings.userLabels ?? {})
    },
    plan: async ({ before, parameters }) => plan(given(before), parameters),
    act: async (order) => await become({ order, phase: 'act' }, given(order.after ?? order.before)[setting]),
    verify: async ({ target, after }) => differences(await read(target), after),
    undo: async (order) => await become({ order, phase: 'undo' }, given(order.before)[setting]),
  }
}

const withoutOperation = ({ order, phase }: Step): Step => ({
  phase,
  order: { ...order, memory: { ...order.memory, [`${phase}Operation`]: null } },
})

function nameOf(projectId: string, { id, aliases = [] }: ActionTarget): string {
  for (const name of [id, ...aliases]) {
    const [, own] = /^\/\/cloudsql\.googleapis\.com\/projects\/[^/]+\/instances\/([a-z][a-z\d-]*)$/.exec(name) ?? []
    if (own !== undefined) return own
  }
  throw new Fault('invalid', `${id} is not among the databases of the project ${projectId}.`)
}

function keptFrom({ state, instanceType, userLabels }: DatabaseState): string | undefined {
  if (TagLimits.isProtected('gcp', userLabels)) return TagPlan.protectedBy
  if (instanceType === 'READ_POOL_INSTANCE') return 'The database is a read pool. Change the pool instead.'
  return state === 'RUNNABLE' ? undefined : `The database is ${state}. Wait until it is RUNNABLE.`
}

/** Stops the database: https://cloud.google.com/sql/docs/mysql/start-stop-restart-instance */
export const stopDatabase = (caller: Caller): CloudAction =>
  settingAction(caller, 'activationPolicy', (before) => {
    const { activationPolicy, instanceType, replicaNames } = before
    if (activationPolicy === stopped) return 'done already'
    const kept = keptFrom(before)
    if (kept !== undefined) return { refusal: kept }
    if (instanceType !== 'CLOUD_SQL_INSTANCE')
      return { refusal: 'Google does not stop read replicas. Delete it instead.' }
    if (replicaNames.length > 0)
      return { refusal: `The database has the replicas ${replicaNames.join(', ')}. Delete them first.` }
    const notes = ['Storage, backups and the IP address go on costing.']
    return { after: { ...before, activationPolicy: stopped }, undo: 'full', lost: [], losesData: null, notes }
  })

/** Starts the database. */
export const startDatabase = (caller: Caller): CloudAction =>
  settingAction(caller, 'activationPolicy', (before) => {
    if (before.activationPolicy === running) return 'done already'
    const refusal = keptFrom(before)
    if (refusal !== undefined) return { refusal }
    return { after: { ...before, activationPolicy: running }, undo: 'full', lost: [], losesData: null, notes: [] }
  })

/** Sets the tier, which restarts the database: https://cloud.google.com/sql/docs/mysql/edit-instance */
export const resizeDatabase = (caller: Caller): CloudAction =>
  settingAction(caller, 'tier', (before, { type }) => {
    const tier = type as string
    if (before.tier === tier) return 'done already'
    const refusal = keptFrom(before) ?? misfitOf(tier, before.edition)
    if (refusal !== undefined) return { refusal }
    const notes = before.activationPolicy === stopped ? [] : ['The database restarts, and its connections end.']
    return { after: { ...before, tier }, undo: 'full', lost: [], losesData: null, notes }
  })

/** https://cloud.google.com/sql/docs/postgres/machine-series-overview and create-instance#machine-types */
function misfitOf(tier: string, edition: string): string | undefined {
  const isPlus = /^db-(perf-optimized|memory-optimized|c4a)-/.test(tier)
  if (isPlus !== (edition === 'ENTERPRISE_PLUS')) return `${tier} is no tier of the edition ${edition}. Choose another.`
  const [, cores, memory] = /^db-custom-(\d+)-(\d+)$/.exec(tier) ?? []
  if (cores === undefined) return /^db-[\w-]+$/.test(tier) ? undefined : `${tier} is no tier of Cloud SQL.`
  const [cpus, mib] = [Number(cores), Number(memory)]
  const perCpu = mib / cpus
  const isValid =
    (cpus === 1 || cpus % 2 === 0) && cpus <= 96 && mib % 256 === 0 && mib >= 3840 && perCpu >= 921.6 && perCpu <= 6656
  return isValid
    ? undefined
    : `Google has no ${tier}: 1 or an even number of cores up to 96, and 0.9 to 6.5 GiB each, at least 3.75 GiB.`
}
