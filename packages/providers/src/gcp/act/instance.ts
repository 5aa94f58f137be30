import {
  type ActionParameters,
  type ActionPlan,
  type ActionState,
  type ActionStep,
  type ActionTarget,
  type CloudAction,
  TagLimits,
  TagPlan,
} from '@cloudoptima/core'
import { differences, done, goingOn } from '../../access/steps.ts'
import type { Caller } from '../collect/calls.ts'
import { type Compute, computeOf, isUnfinished, placeIn, refusedStep, type Step } from './compute.ts'
import { numberOf } from './place.ts'

/** https://cloud.google.com/compute/docs/reference/rest/v1/instances */
interface Instance {
  id: string
  status: string
  machineType: string
  labels?: Record<string, string>
  metadata?: { items?: { key?: string; value?: string }[] }
  disks?: { type?: string; diskEncryptionKey?: { sha256?: string; kmsKeyName?: string } }[]
  networkInterfaces?: { accessConfigs?: { name?: string }[] }[]
  scheduling?: { provisioningModel?: string; nodeAffinities?: object[] }
  guestAccelerators?: object[]
  minCpuPlatform?: string
  confidentialInstanceConfig?: object
  startRestricted?: boolean
}

interface MachineType {
  guestCpus: number
  memoryMb: number
  architecture?: string
  deprecated?: { state?: string }
}

const running = 'RUNNING'
/** What a stopped instance is; Google also has `STOPPED`. */
const stopped = 'TERMINATED'

/** Labels by which a service of Google says that an instance is its own. */
const managers: Record<string, string> = {
  'goog-gke-node': 'Kubernetes Engine',
  'goog-dataproc-cluster-name': 'Dataproc',
  'goog-dataflow-job-id': 'Dataflow',
}

/** The number of the instance is in it, so that a later instance of the same name is another. */
function stateOf(instance: Instance) {
  const { id, status, machineType, labels = {}, metadata, disks = [], networkInterfaces = [], scheduling } = instance
  const keyed = disks.filter(({ diskEncryptionKey: key }) => key?.sha256 !== undefined && key.kmsKeyName === undefined)
  return {
    id,
    status: status === 'STOPPED' ? stopped : status,
    machineType: lastOf(machineType),
    labels: Object.fromEntries(Object.entries(labels).filter(([key]) => isWatched(key))),
    createdBy: metadata?.items?.find(({ key }) => key === 'created-by')?.value ?? null,
    localSsds: disks.filter(({ type }) => type === 'SCRATCH').length,
    suppliedKeys: keyed.length,
    accessConfigs: networkInterfaces.flatMap(({ accessConfigs = [] }) => accessConfigs).length,
    provisioningModel: scheduling?.provisioningModel ?? 'STANDARD',
    bound: [
      ...(instance.guestAccelerators?.length ? ['guestAccelerators'] : []),
      ...(instance.minCpuPlatform === undefined ? [] : ['minCpuPlatform']),
      ...(instance.confidentialInstanceConfig ? ['confidentialInstanceConfig'] : []),
      ...(scheduling?.nodeAffinities?.length ? ['nodeAffinities'] : []),
    ],
    startRestricted: instance.startRestricted ?? false,
  }
}

const lastOf = (url: string): string => url.split('/').at(-1) ?? ''
const isWatched = (key: string) => key in managers || TagLimits.protectionTags.some((tag) => tag === key)

type InstanceState = ReturnType<typeof stateOf>
const given = (state: ActionState) => state as InstanceState

interface Question {
  before: InstanceState
  parameters: ActionParameters
}

/** An action that brings an instance to a status and a type; each changes one or both. */
function instanceAction(
  caller: Caller,
  plan: (compute: Compute, question: Question, zone: string) => Promise<ActionPlan>,
): CloudAction {
  const compute = computeOf(caller)
  const read = async (target: ActionTarget) => {
    const { path } = placeIn(caller, target, 'instances')
    const instance = await compute.get<Instance>('compute.instances.get', path)
    return instance && [instance.id, undefined].includes(numberOf(target)) ? stateOf(instance) : undefined
  }
  const become = async (step: Step, state: ActionState | null): Promise<ActionStep> => {
    const { target, memory } = step.order
    const before = given(step.order.before)
    const wanted = given(state ?? before)
    const { scope, path } = placeIn(caller, target, 'instances')
    const operations = await compute.operations(scope, before.id)
    const now = await read(target)
    if (now?.id !== before.id) return refusedStep(step, 'The instance does not exist any more.')
    const { status, machineType } = now
    if (operations.some(isUnfinished)) return goingOn(memory, 10, `The instance is ${status}, and an operation runs.`)
    if (status === 'SUSPENDED' || status === 'SUSPENDING')
      return refusedStep(step, 'Somebody has suspended the instance. Resume it, and plan again.')
    if (status !== running && status !== stopped) return goingOn(memory, 10, `The instance is ${status}.`)
    const change = { path: `${path}/stop`, operations, waitSeconds: 15, says: `The instance stops.` }
    if (machineType !== wanted.machineType && status === stopped)
      return await compute.change(step, {
        ...change,
        api: 'compute.instances.setMachineType',
        path: `${path}/setMachineType`,
        body: { machineType: `${scope}/machineTypes/${wanted.machineType}` },
        says: `The instance takes the type ${wanted.machineType}.`,
      })
    if (machineType !== wanted.machineType || (status === running && wanted.status === stopped))
      return await compute.change(step, { ...change, api: 'compute.instances.stop' })
    if (status === wanted.status) return done(memory)
    const starting = { path: `${path}/start`, says: 'The instance starts.' }
    return await compute.change(step, { ...change, ...starting, api: 'compute.instances.start' })
  }
  return {
    readState: read,
    plan: async ({ target, before, parameters }) =>
      await plan(compute, { before: given(before), parameters }, placeIn(caller, target, 'instances').scope),
    act: async (order) => await become({ order, phase: 'act' }, order.after),
    verify: async ({ target, after }) => differences(await read(target), after),
    undo: async (order) => await become({ order, phase: 'undo' }, order.before),
  }
}

/** Why no action may touch the instance. */
function keptFrom({ labels: own, createdBy, status }: InstanceState): string | undefined {
  if (TagLimits.isProtected('gcp', own)) return TagPlan.protectedBy
  const [manager] = Object.entries(managers).flatMap(([label, service]) => (label in own ? [service] : []))
  if (manager !== undefined) return `${manager} manages the instance. Change it there.`
  if (createdBy !== null) return `The group ${lastOf(createdBy)} manages the instance. Change the group.`
  if (status !== running && status !== stopped) return `The instance is ${status}. Wait until it runs or stands.`
  return undefined
}

/** Why the instance may not stop, or would not start again. */
function keptRunning({ localSsds, suppliedKeys, startRestricted }: InstanceState): string | undefined {
  if (localSsds !== 0) return 'The instance has local SSDs, whose data a stop deletes. Stop it yourself.'
  if (suppliedKeys !== 0)
    return 'A disk of the instance has a key that you supply at each start. Stop or start it yourself.'
  return startRestricted
    ? 'Google does not let the instance start, for suspicious activity. Ask Google first.'
    : undefined
}

interface Loss {
  undo: 'full' | 'partial'
  lost: string[]
  losesData: null
  notes: string[]
}

/** Instances with local SSDs have no plan, so no data is lost. */
function stopsAndStarts(before: InstanceState): Loss {
  const hasAddress = before.accessConfigs !== 0
  const isSpot = before.provisioningModel !== 'STANDARD'
  return {
    undo: hasAddress ? 'partial' : 'full',
    lost: hasAddress ? ['the external address, if it is not reserved'] : [],
    losesData: null,
    notes: isSpot ? ['It is a Spot VM: Google may lack the capacity to start it again.'] : [],
  }
}

/** Stops the instance: https://cloud.google.com/compute/docs/instances/stop-start-instance */
export const stopInstance = (caller: Caller): CloudAction =>
  instanceAction(caller, async (_, { before }) => {
    if (before.status === stopped) return 'done already'
    const refusal = keptFrom(before) ?? keptRunning(before)
    return refusal === undefined ? { after: { ...before, status: stopped }, ...stopsAndStarts(before) } : { refusal }
  })

/** Starts the instance. */
export const startInstance = (caller: Caller): CloudAction =>
  instanceAction(caller, async (_, { before }) => {
    if (before.status === running) return 'done already'
    const refusal = keptFrom(before) ?? keptRunning(before)
    return refusal === undefined
      ? { after: { ...before, status: running }, undo: 'full', lost: [], losesData: null, notes: [] }
      : { refusal }
  })

/** https://cloud.google.com/compute/docs/disks/hyperdisks#hd-vm-type: their disks are Hyperdisks, of no older series. */
const hyperdiskSeries = new Set(['n4', 'n4a', 'n4d', 'c4', 'c4a', 'c4d', 'm4', 'x4', 'a4', 'a4x', 'h4d', 'z4d'])
const seriesOf = (type: string): string => type.split('-')[0] ?? ''

/** Changes the machine type: https://cloud.google.com/compute/docs/instances/changing-machine-type-of-stopped-instance */
export const resizeInstance = (caller: Caller): CloudAction =>
  instanceAction(caller, async (compute, { before, parameters }, zone) => {
    const from = before.machineType
    const to = parameters['type'] as string
    if (from === to) return 'done already'
    const kept = keptFrom(before) ?? (before.status === running ? keptRunning(before) : undefined)
    if (kept !== undefined) return { refusal: kept }
    const [old, wanted] = await Promise.all(
      [from, to].map(
        async (type) =>
          await compute.get<MachineType>(
            'compute.machineTypes.get',
            `${zone}/machineTypes/${encodeURIComponent(type)}`,
          ),
      ),
    )
    if (!wanted) return { refusal: `There is no machine type ${to} in ${lastOf(zone)}. Choose another.` }
    const refusal = mismatchOf({ from, to, old, wanted, bound: before.bound })
    if (refusal !== undefined) return { refusal }
    const after = { ...before, machineType: to }
    if (before.status === stopped) return { after, undo: 'full', lost: [], losesData: null, notes: [] }
    const { notes, ...back } = stopsAndStarts(before)
    return { after, ...back, notes: ['The instance is stopped for some minutes.', ...notes] }
  })

function mismatchOf(given: {
  from: string
  to: string
  old: MachineType | undefined
  wanted: MachineType
  bound: readonly string[]
}): string | undefined {
  const { from, to, old, wanted, bound } = given
  const [own, other] = [old?.architecture ?? 'X86_64', wanted.architecture ?? 'X86_64']
  if (own !== other) return `${to} has the architecture ${other}, and the instance ${own}. Choose a type of ${own}.`
  if (wanted.deprecated) return `Google has deprecated ${to}. Choose another type.`
  if (seriesOf(from) === seriesOf(to)) return undefined
  if (bound.length > 0) return `${bound.join(', ')} of the instance need the series ${seriesOf(from)}.`
  return hyperdiskSeries.has(seriesOf(from)) === hyperdiskSeries.has(seriesOf(to))
    ? undefined
    : `The disks of the instance do not fit ${to}: Hyperdisk and Persistent Disk are of different series.`
}
