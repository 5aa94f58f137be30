import { Refusal } from '../answers.ts'
import { exists } from '../load.ts'
import type { Operations } from './operation.ts'

interface Patch {
  operation: 'Merge' | 'Delete' | 'Replace'
  properties: { tags: Record<string, string> }
}

/** Names of tags have no case; the first spelling stays. */
function edited(tags: Record<string, string>, { operation, properties }: Patch): Record<string, string> {
  const spelled = (name: string) => Object.keys(tags).find((key) => key.toLowerCase() === name.toLowerCase()) ?? name
  const given = Object.fromEntries(Object.entries(properties.tags).map(([key, value]) => [spelled(key), value]))
  switch (operation) {
    case 'Merge':
      return { ...tags, ...given }
    case 'Delete':
      return Object.fromEntries(Object.entries(tags).filter(([key, value]) => given[key] !== value))
    case 'Replace':
      return properties.tags
  }
}

const most = 50

/** https://learn.microsoft.com/rest/api/resources/tags */
export const tagging: Operations = {
  'Microsoft.Resources/tags': [
    '/subscriptions/{subscription}/{path*}/providers/Microsoft.Resources/tags/default',
    ({ azure, subscription: { subscriptionId }, named: { path = '' }, request }) => {
      const id = decodeURI(`/subscriptions/${subscriptionId}/${path}`).toLowerCase()
      const resource = azure.resources.find((each) => each.id.toLowerCase() === id && exists(each, azure.now()))
      if (!resource) throw new Refusal('ResourceNotFound', 404)
      if (request.method === 'PATCH') {
        const tags = edited(resource.tags ?? {}, JSON.parse(request.body))
        if (Object.keys(tags).length > most) throw new Refusal('InvalidTags', 400)
        azure.retagged.set(resource.id, tags)
        resource.tags = tags
      }
      return {
        body: {
          id: `${resource.id}/providers/Microsoft.Resources/tags/default`,
          name: 'default',
          type: 'Microsoft.Resources/tags',
          properties: { tags: resource.tags ?? {} },
        },
      }
    },
  ],
}
