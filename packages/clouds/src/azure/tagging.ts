import { Refusal } from '../answers.ts'
import type { Document, Operations, Question } from './operation.ts'

type TagsByName = Record<string, string>

interface Patch {
  operation: 'Merge' | 'Delete' | 'Replace'
  properties: { tags: TagsByName }
}

/** Names of tags have no case; the first spelling stays. */
function edited(tags: TagsByName, { operation, properties }: Patch): TagsByName {
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

function retag({ azure: { documents, resources, retagged } }: Question, document: Document, tags: TagsByName): void {
  if (documents.isKept(document.id)) return documents.keep({ ...document, tags })
  retagged.set(document.id, tags)
  const resource = resources.find(({ id }) => id === document.id)
  if (resource) resource.tags = tags
}

/** https://learn.microsoft.com/rest/api/resources/tags */
export const tagging: Operations = {
  'Microsoft.Resources/tags': [
    '/subscriptions/{subscription}/{path*}/providers/Microsoft.Resources/tags/default',
    (question) => {
      const { azure, subscription, named, request } = question
      const id = decodeURI(`/subscriptions/${subscription.subscriptionId}/${named['path'] ?? ''}`)
      const document = azure.documents.find(question, id)
      if (!document) throw new Refusal('ResourceNotFound', 404)
      const isPatch = request.method === 'PATCH'
      const tags = isPatch ? edited(document.tags ?? {}, JSON.parse(request.body)) : (document.tags ?? {})
      if (Object.keys(tags).length > most) throw new Refusal('InvalidTags', 400)
      if (isPatch) retag(question, document, tags)
      return {
        body: {
          id: `${document.id}/providers/Microsoft.Resources/tags/default`,
          name: 'default',
          type: 'Microsoft.Resources/tags',
          properties: { tags },
        },
      }
    },
  ],
}
