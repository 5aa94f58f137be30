import { type ActionState, type ActionTarget, type CloudAction, TagLimits, TagPlan } from '@cloudoptima/core'
import { done, goingOn } from '../../access/steps.ts'
import type { Caller } from '../collect/calls.ts'
import { type Compute, computeOf, isUnfinished, placeIn, refusedStep } from './compute.ts'
import type { ActApi } from './permissions.ts'
import { numberOf, pathOf } from './place.ts'

/** https://cloud.google.com/compute/docs/reference/rest/v1/snapshots, and images */
interface Copy {
  id: string
  status: string
  labels?: Record<string, string>
  family?: string
}

const stateOf = ({ id, status, labels = {}, family = '' }: Copy) => ({ id, status, labels, family })
type CopyState = ReturnType<typeof stateOf>
const given = (state: ActionState) => state as CopyState

interface Kind {
  collection: 'snapshots' | 'images'
  get: ActApi
  remove: ActApi
  /** `snapshot` */
  noun: string
  /** Why this one must stay. */
  refusal(compute: Compute, path: string, state: CopyState): Promise<string | undefined>
  notes: readonly string[]
}

/** Deletes what Google cannot bring back: its undo works only as long as the deletion has not happened. */
function deletion(caller: Caller, { collection, get, remove, noun, refusal, notes }: Kind): CloudAction {
  const compute = computeOf(caller)
  const read = async (target: ActionTarget): Promise<CopyState | undefined> => {
    const copy = await compute.get<Copy>(get, placeIn(caller, target, collection).path)
    if (!copy || ![copy.id, undefined].includes(numberOf(target))) return undefined
    return stateOf(copy)
  }
  return {
    readState: read,
    async plan({ target, before }) {
      const { labels, status } = given(before)
      if (TagLimits.isProtected('gcp', labels)) return { refusal: TagPlan.protectedBy }
      if (status !== 'READY' && status !== 'FAILED')
        return { refusal: `The ${noun} is ${status}. Wait until it is READY.` }
      const kept = await refusal(compute, placeIn(caller, target, collection).path, given(before))
      if (kept !== undefined) return { refusal: kept }
      return { after: null, undo: 'none', lost: [`the ${noun}`], losesData: `The data of the ${noun} is lost.`, notes }
    },
    async act(order) {
      const { memory, before, target } = order
      const { scope, path } = placeIn(caller, target, collection)
      const operations = await compute.operations(scope, given(before).id)
      const now = await read(target)
      if (now?.id !== given(before).id) return done(memory)
      if (operations.some(isUnfinished) || now.status === 'DELETING')
        return goingOn(memory, 5, `The ${noun} is ${now.status}, and an operation runs.`)
      const change = { api: remove, method: 'DELETE' as const, path, operations, waitSeconds: 5 }
      return await compute.change({ order, phase: 'act' }, { ...change, says: `The ${noun} is deleted.` })
    },
    verify: async ({ target, before }) =>
      (await read(target))?.id === given(before).id ? [`The ${noun} still exists.`] : [],
    async undo(order) {
      const { memory, before, target } = order
      const operations = await compute.operations(placeIn(caller, target, collection).scope, given(before).id)
      const now = await read(target)
      if (now && operations.some(isUnfinished))
        return goingOn(memory, 5, `An operation on the ${noun} is not finished.`)
      if (now?.id === given(before).id) return done(memory)
      return refusedStep({ order, phase: 'undo' }, `Google keeps nothing of a deleted ${noun}: it cannot come back.`)
    },
  }
}

/** The newer snapshots of the disk keep the data that they share: https://cloud.google.com/compute/docs/disks/snapshots */
export function deleteSnapshot(caller: Caller): CloudAction {
  const action = deletion(caller, {
    collection: 'snapshots',
    get: 'compute.snapshots.get',
    remove: 'compute.snapshots.delete',
    noun: 'snapshot',
    refusal: async () => undefined,
    notes: ['The newer snapshots of the disk stay whole: Google gives them the data that they need.'],
  })
  return {
    ...action,
    // A snapshot of a database is none of Compute Engine.
    readState: async (target) => (target.kind === 'snapshot' ? await action.readState(target) : undefined),
  }
}

interface Template {
  name?: string
  properties?: { disks?: { initializeParams?: { sourceImage?: string } }[] }
}

/**
 * Deletes the image: only that ends its costs. A deprecated one is stored, and paid, as before.
 * https://cloud.google.com/compute/docs/images/deprecate-custom
 */
export const deregisterImage = (caller: Caller): CloudAction =>
  deletion(caller, {
    collection: 'images',
    get: 'compute.images.get',
    remove: 'compute.images.delete',
    noun: 'image',
    refusal: async (compute, path, { family }) => {
      // Without the metadata of the templates, which may have secrets.
      const fields = 'items(name,properties/disks/initializeParams/sourceImage),nextPageToken'
      const all = await compute.list<Template>('compute.instanceTemplates.list', 'global/instanceTemplates', { fields })
      const names = new Set([path, ...(family === '' ? [] : [`global/images/family/${family}`])])
      const users = all.filter(({ properties }) =>
        properties?.disks?.some(({ initializeParams: init }) => names.has(pathOf(init?.sourceImage ?? ''))),
      )
      return users.length === 0
        ? undefined
        : `Instance templates make instances of the image: ${users.map(({ name }) => name).join(', ')}. Change them first.`
    },
    notes: ['Disks and instances that were made of the image stay.'],
  })
