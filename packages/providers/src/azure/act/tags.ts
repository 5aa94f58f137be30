import { Fault, isFault, type Retagged, type Taggable, type TagsByKey, type TagsNow } from '@cloudoptima/core'
import type { AccessOptions } from '../../access/options.ts'
import type { Actor } from '../../access/verdict.ts'
import { inTurns } from '../../collect/concurrent.ts'
import { json } from '../collect/answers.ts'
import { azureCalls, type Calls, Refusal } from '../collect/calls.ts'

const atOnce = 8

/** Reads and changes tags by the Tags API: https://learn.microsoft.com/rest/api/resources/tags */
export function azureActor(options: AccessOptions): Actor<'azure'> {
  return {
    async tags(access, resources) {
      const calls = await azureCalls(options, access)
      return await inTurns(resources, atOnce, async (resource): Promise<TagsNow> => {
        const { id } = resource
        return { id, ...(await orRefusal(async () => ({ tags: await tagsOf(calls, resource) }))) }
      })
    },
    async retag(access, changes) {
      const calls = await azureCalls(options, access)
      return await inTurns(changes, atOnce, async ({ resource, set, remove }): Promise<Retagged> => {
        const { id } = resource
        const merged = await written(async () => await patch(calls, resource, 'Merge', set))
        if ('refusal' in merged) return { id, ...merged }
        const deleted = await written(async () => await patch(calls, resource, 'Delete', remove))
        const isPartly = Object.keys(set).length > 0
        return 'refusal' in deleted ? { id, ...deleted, ...(isPartly && { isPartly }) } : { id }
      })
    },
  }
}

interface Answer {
  properties?: { tags?: TagsByKey | null }
}

async function tagsOf(calls: Calls, resource: Taggable): Promise<TagsByKey> {
  const url = urlOf(calls, resource)
  const { properties } = await json<Answer>(calls, { api: 'Microsoft.Resources/tags/read', url })
  return properties?.tags ?? {}
}

/** `Delete` removes tags that have these values. */
async function patch(
  calls: Calls,
  resource: Taggable,
  operation: 'Merge' | 'Delete',
  tags: TagsByKey,
): Promise<object> {
  if (Object.keys(tags).length === 0) return {}
  const body = JSON.stringify({ operation, properties: { tags } })
  await calls.send({ api: 'Microsoft.Resources/tags/write', url: urlOf(calls, resource), method: 'PATCH', body })
  return {}
}

function urlOf({ access }: Calls, { id }: Taggable): string {
  const own = `/subscriptions/${access.credentials.subscriptionId}/`
  if (!id.toLowerCase().startsWith(own.toLowerCase()) || /[?#]|\/\.\.?\//.test(id))
    throw new Fault('not_found', 'Tags of this kind cannot be changed here: it is no resource of the subscription.')
  return `${encodeURI(id)}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01`
}

const adviceOf: Record<number, string> = {
  403: 'Assign the application for actions the role Tag Contributor on the subscription, and check locks and policies.',
  404: 'The resource does not exist any more.',
  409: 'The resource is locked, or is being changed. Try again later.',
}

/** As `orRefusal`; what is sent and not answered may be done. */
async function written(work: () => Promise<object>): Promise<object | Omit<Retagged, 'id'>> {
  return await orRefusal(async () => {
    try {
      return await work()
    } catch (error) {
      if (isFault(error, 'unavailable')) return { refusal: error.message, isPartly: true }
      throw error
    }
  })
}

/** The value of `work`, or why Azure refused it. */
async function orRefusal<Value extends object>(
  work: () => Promise<Value>,
): Promise<Value | { refusal: string; isPassing?: true }> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Refusal)
      return { refusal: `Azure refused it (${error.status} ${error.code}). ${adviceOf[error.status] ?? ''}`.trim() }
    if (isFault(error, 'not_found')) return { refusal: error.message }
    if (isFault(error, 'unavailable') || isFault(error, 'rate_limited'))
      return { refusal: error.message, isPassing: true }
    throw error
  }
}
