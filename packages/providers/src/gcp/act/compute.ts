import { createHash } from 'node:crypto'
import { type ActionMemory, type ActionOrder, type ActionStep, type ActionTarget, Fault } from '@cloudoptima/core'
import { goingOn, refused } from '../../access/steps.ts'
import { type Caller, type Page, Refusal, type Request } from '../collect/calls.ts'
import { type ActApi, gcpActPermissions } from './permissions.ts'
import { type Place, placeOf } from './place.ts'

/** Of `act` or of `undo`: both may stop the same instance, and are different requests. */
export type Phase = 'act' | 'undo'

/** https://cloud.google.com/compute/docs/reference/rest/v1/zoneOperations */
export interface Operation {
  name?: string
  status?: string
  /** The number of the resource that it changes. */
  targetId?: string
  /** The `requestId` of its request. */
  clientOperationId?: string
  error?: { errors?: { code?: string; message?: string }[] }
}

interface Sent {
  api: ActApi
  /** Default: `api`. */
  verb?: string
  method?: 'DELETE'
  /** In the project: `zones/z/instances/i/stop`. */
  path: string
  query?: Record<string, string>
  body?: object
}

/** A change of one resource, which an action makes once in each phase. */
export interface Change extends Sent {
  /** Those that were known before the resource was read. */
  operations: readonly Operation[]
  waitSeconds: number
  says: string
}

/** What a step has: its order, and its direction. */
export interface Step {
  order: ActionOrder
  phase: Phase
}

/** A later attempt makes new requests: Google answers an old `requestId` with the old failure. */
export function refusedStep({ order: { memory }, phase }: Step, message: string): ActionStep {
  return refused({ ...memory, [phase]: attemptsOf(memory, phase) + 1 }, message)
}

const attemptsOf = (memory: ActionMemory, phase: Phase): number => Number(memory[phase] ?? 0)

/** The id of a request: a UUID that is the same for each repetition of the step. */
export function requestIdOf({ order: { token, memory }, phase }: Step, verb: string): string {
  const hash = createHash('sha256').update(JSON.stringify([token, phase, verb, attemptsOf(memory, phase)]))
  // Version 8: https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8
  const hex = hash.digest('hex').replace(/^(.{12}).(.{3})./, '$18$2a')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}

/** The name and label of what an action makes: 63 characters, lower case. */
export const orderLabel = 'cloudoptima-order'

type Asked = Omit<Request, 'api' | 'limits'> & { api: ActApi }

/** Asks Google; a missing permission becomes Fault `forbidden`, which names it. */
export async function asked<Answer>(caller: Caller, request: Asked): Promise<Answer> {
  return await permitted(caller, request.api, async () => await caller.call<Answer>(limited(caller, request)))
}

/** All items of a list, as `asked`. */
export async function allOf<Item>(caller: Caller, request: Asked): Promise<Item[]> {
  const pages = caller.pages<Page & { items?: Item[] }>(limited(caller, request))
  const read = await permitted(caller, request.api, async () => await Array.fromAsync(pages))
  return read.flatMap(({ items = [] }) => items)
}

const limited = ({ access }: Caller, request: Asked): Request => ({
  ...request,
  limits: [{ name: `gcp/${request.service}/${access.credentials.projectId}`, most: 600, windowSeconds: 60 }],
})

async function permitted<Answer>({ access }: Caller, api: ActApi, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Refusal && error.reason === 'denied')) throw error
    throw new Fault(
      'forbidden',
      `Google Cloud denies ${api}. Grant the service account for actions ${gcpActPermissions[api].join(', ')} in the ` +
        `project ${access.credentials.projectId}.`,
    )
  }
}

/** Compute Engine of one project. */
export function computeOf(caller: Caller) {
  const { projectId } = caller.access.credentials
  const project = `projects/${encodeURIComponent(projectId)}`
  const pathIn = (path: string) => `/compute/v1/${project}/${path}`

  /** Undefined: there is none. */
  async function get<Answer>(api: ActApi, path: string): Promise<Answer | undefined> {
    try {
      return await asked<Answer>(caller, { api, service: 'compute', path: pathIn(path) })
    } catch (error) {
      if (error instanceof Refusal && error.reason === 'notFound') return undefined
      throw error
    }
  }

  async function list<Item>(api: ActApi, path: string, query: Record<string, string>): Promise<Item[]> {
    return await allOf<Item>(caller, { api, service: 'compute', path: pathIn(path), query })
  }

  /** The operations on a resource. Asked for before the resource: what is done then shows in it. */
  async function operations(scope: string, targetId: string): Promise<readonly Operation[]> {
    const query = { filter: `targetId = ${targetId}`, maxResults: '500' }
    const items = await list<Operation>(operationsApi(scope), `${scope}/operations`, query)
    return items.filter((operation) => operation.targetId === targetId)
  }

  /**
   * Makes a change, once: its operation is found again by the id of the request, and Google ignores a request whose id
   * it knows (https://cloud.google.com/compute/docs/api/how-tos/requests).
   */
  async function change(step: Step, given: Change): Promise<ActionStep> {
    const { operations: known, waitSeconds, says } = given
    const earlier = known.find(({ clientOperationId }) => clientOperationId === requestIdOf(step, given.api))
    if (earlier?.status === 'DONE' && !earlier.error)
      return refusedStep(step, `Somebody has changed the resource after ${given.api}. Look at it, and plan again.`)
    const sent = earlier ? { operation: earlier } : await send(step, given)
    if ('isBusy' in sent) return goingOn(step.order.memory, 10, 'Another operation on the resource is not finished.')
    const reason = 'refusal' in sent ? sent.refusal : failureOf(sent.operation)
    if (reason !== undefined) return refusedStep(step, `Google Cloud refused ${given.api}: ${reason}`)
    return goingOn(step.order.memory, waitSeconds, says)
  }

  return { caller, project, get, list, operations, change, send }

  /** The operation of a change, or why Google refuses it. */
  async function send(
    step: Step,
    { api, verb = api, method, path, query = {}, body }: Sent,
  ): Promise<{ operation: Operation } | { refusal: string } | { isBusy: true }> {
    const request: Asked = {
      api,
      service: 'compute',
      path: pathIn(path),
      query: { ...query, requestId: requestIdOf(step, verb) },
      method: method ?? 'POST',
      isOnce: true,
      ...(body && { body }),
    }
    try {
      return { operation: await asked<Operation>(caller, request) }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { reason, says, message } = error
      if (reason === '412' || says.reasons.includes('resourceNotReady')) return { isBusy: true }
      return { refusal: says.message === '' ? message : said(says.message) }
    }
  }
}

export type Compute = ReturnType<typeof computeOf>

const operationsApi = (scope: string): ActApi =>
  scope === 'global'
    ? 'compute.globalOperations.list'
    : scope.startsWith('zones/')
      ? 'compute.zoneOperations.list'
      : 'compute.regionOperations.list'

const said = (words: string): string => words.slice(0, 300)

/** Why an operation failed. */
export function failureOf({ error }: Operation): string | undefined {
  if (!error) return undefined
  const [reason] = error.errors ?? []
  return `${said(reason?.message ?? 'It gives no reason.')} (${reason?.code ?? 'UNKNOWN'})`
}

export const isUnfinished = ({ status }: Operation): boolean => status !== 'DONE'

/** Where the target is. Throws Fault `invalid` if it is not of this collection. */
export function placeIn(caller: Caller, target: ActionTarget, collection: string): Place {
  const place = placeOf(caller.access.credentials.projectId, target)
  if (place?.collection === collection) return place
  throw new Fault('invalid', `${target.id} is not among the ${collection} of the project.`)
}
