import { isFault, type Retagged, type Taggable, type TagChange, type TagsByKey, type TagsNow } from '@cloudoptima/core'
import type { AccessOptions } from '../../access/options.ts'
import type { AccessTo, Actor } from '../../access/verdict.ts'
import { inTurns } from '../../collect/concurrent.ts'
import { type Caller, callerOf, Refusal } from '../collect/calls.ts'
import { actScopes } from '../sign-in.ts'
import { type Place, placeOf as placeIn } from './place.ts'

const atOnce = 10

/** Reads and changes labels of Compute Engine: https://cloud.google.com/compute/docs/labeling-resources */
export function gcpActor(options: AccessOptions): Actor<'gcp'> {
  const each = async <Item, Answer>(
    access: AccessTo<'gcp'>,
    items: readonly Item[],
    work: (caller: Caller, item: Item) => Promise<Answer>,
  ) => {
    const caller = await callerOf(options, access, actScopes)
    return await inTurns(items, atOnce, async (item) => await work(caller, item))
  }
  return {
    tags: async (access, resources) =>
      await each(access, resources, async (caller, resource): Promise<TagsNow> => {
        const { id } = resource
        return { id, ...(await orRefusal(async () => ({ tags: (await labelsOf(caller, resource)).labels ?? {} }))) }
      }),
    retag: async (access, changes) =>
      await each(access, changes, async (caller, change): Promise<Retagged> => {
        const { id } = change.resource
        return { id, ...(await orRefusal(async () => await retag(caller, change))) }
      }),
  }
}

interface Labels {
  labels?: TagsByKey
  labelFingerprint?: string
}

/** A refusal with a sentence of its own. */
class Refused extends Error {}

/** The change is sent, and Google does not say whether it is made. */
class Unfinished extends Error {}

function placeOf(caller: Caller, resource: Taggable): Place {
  const place = placeIn(caller.access.credentials.projectId, resource)
  if (place) return place
  throw new Refused(`Labels of this kind (${resource.kind}) cannot be changed here.`)
}

const pathIn = ({ access }: Caller, path: string) =>
  `/compute/v1/projects/${encodeURIComponent(access.credentials.projectId)}/${path}`

async function labelsOf(caller: Caller, resource: Taggable): Promise<Labels> {
  const { path, collection } = placeOf(caller, resource)
  const request = { service: 'compute', api: `compute.${collection}.get`, path: pathIn(caller, path) }
  return await caller.call<Labels>(request)
}

/** If somebody changes the labels meanwhile, Google refuses the fingerprint: they are read again, once. */
async function retag(caller: Caller, change: TagChange): Promise<object> {
  for (let attempt = 0; ; attempt++) {
    const { labels = {}, labelFingerprint } = await labelsOf(caller, change.resource)
    const { before, set, remove } = change
    const wanted = Object.entries({ ...Object.fromEntries(Object.keys(remove).map((key) => [key, undefined])), ...set })
    if (wanted.every(([key, value]) => labels[key] === value)) return {}
    const moved = wanted.filter(([key, value]) => labels[key] !== before[key] && labels[key] !== value)
    if (moved.length > 0)
      throw new Refused(`Somebody has changed the labels meanwhile: ${moved.map(([key]) => key).join(', ')}.`)
    const kept = Object.entries(labels).filter(([key]) => !(key in remove))
    try {
      await setLabels(caller, change.resource, { labels: { ...Object.fromEntries(kept), ...set }, labelFingerprint })
      return {}
    } catch (error) {
      if (!(error instanceof Refusal && error.reason === '412') || attempt > 0) throw error
    }
  }
}

interface Operation {
  name?: string
  status?: string
  error?: { errors?: { code?: string; message?: string }[] }
}

async function setLabels(caller: Caller, resource: Taggable, body: object): Promise<void> {
  const { path, collection } = placeOf(caller, resource)
  const set = {
    service: 'compute',
    api: `compute.${collection}.setLabels`,
    path: `${pathIn(caller, path)}/setLabels`,
    body,
  }
  const begun = await sent(
    async () => await caller.call<Operation>(set),
    (error) => isFault(error, 'unavailable'),
  )
  const place = path.split('/').slice(0, path.startsWith('global/') ? 1 : 2)
  const operations = pathIn(caller, [...place, 'operations', encodeURIComponent(begun.name ?? '')].join('/'))
  const wait = { service: 'compute', api: 'compute.operations.wait', path: `${operations}/wait`, body: {} }
  const ended = async () => (begun.status === 'DONE' ? begun : await caller.call<Operation>(wait))
  const { status, error } = await sent(ended, isRefusal)
  const [reason] = error?.errors ?? []
  if (reason) throw new Refused(`Google Cloud refused it (${reason.code}): ${(reason.message ?? '').slice(0, 300)}`)
  if (status !== 'DONE') throw new Unfinished('Google Cloud has not finished the change yet. Ask again in a minute.')
}

/** The answer of `work`; after an error that does not tell whether the change is made, it is unfinished. */
async function sent<Value>(work: () => Promise<Value>, isUnfinished: (error: unknown) => boolean): Promise<Value> {
  try {
    return await work()
  } catch (error) {
    if (isUnfinished(error)) throw new Unfinished((error as Error).message)
    throw error
  }
}

const isRefusal = (error: unknown): error is Error =>
  error instanceof Refusal || isFault(error, 'unavailable') || isFault(error, 'rate_limited')

const adviceOf: Record<string, string> = {
  denied: 'Grant the service account for actions compute.*.get, compute.*.setLabels and compute.*Operations.get.',
  notFound: 'The resource does not exist any more.',
  '412': 'Somebody else changes its labels again and again. Try again later.',
}

/** The value of `work`, or why Google refused it. */
async function orRefusal<Value extends object>(
  work: () => Promise<Value>,
): Promise<Value | { refusal: string; isPartly?: true; isPassing?: true }> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Refusal)
      return { refusal: `Google Cloud refused it (${error.reason}). ${adviceOf[error.reason] ?? error.message}`.trim() }
    if (error instanceof Unfinished) return { refusal: error.message, isPartly: true }
    if (error instanceof Refused) return { refusal: error.message }
    if (isRefusal(error)) return { refusal: error.message, isPassing: true }
    throw error
  }
}
