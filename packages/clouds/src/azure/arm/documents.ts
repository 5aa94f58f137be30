import { Random } from '@cloudoptima/sample'
import { exists } from '../../load.ts'
import { descriptions } from '../descriptions.ts'
import type { Document, Documents, Question } from '../operation.ts'
import type { AzureResource } from '../resource.ts'

interface Work {
  operation: string
  endsAt: number
  end(): void
}

/** How long each change takes. */
const workSeconds = 15

/**
 * The resources that somebody has changed since the start, made or deleted; the others are as the estate says. A change
 * takes its time by the clock of the cloud: https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations
 */
export function openDocuments(now: () => Date): Documents {
  const kept = new Map<string, Document | null>()
  const working = new Map<string, Work>()
  const ended = new Set<string>()
  let count = 0

  const settle = () => {
    for (const [key, { endsAt, end, operation }] of working) {
      if (now().getTime() < endsAt) continue
      working.delete(key)
      ended.add(operation)
      end()
    }
  }
  return {
    find(question: Question, id: string): Document | undefined {
      settle()
      const known = kept.get(id.toLowerCase())
      if (known !== undefined) return known ?? undefined
      const { azure, subscription } = question
      const resource = azure.resources.find((each) => each.id.toLowerCase() === id.toLowerCase())
      if (!resource || resource.subscription !== subscription.subscriptionId || !exists(resource, now()))
        return undefined
      return documentOf(resource, question)
    },
    all(question: Question, type: string): Document[] {
      settle()
      const { subscriptionId } = question.subscription
      const made = [...kept.values()].filter((each) => each !== null)
      const own = made.filter((each) => each.type.toLowerCase() === type && subscriptionOf(each.id) === subscriptionId)
      const others = question.all(type).filter(({ id }) => !kept.has(id.toLowerCase()))
      return [...own, ...others.map((resource) => documentOf(resource, question))]
    },
    keep: (document: Document) => void kept.set(document.id.toLowerCase(), document),
    remove: (id: string) => void kept.set(id.toLowerCase(), null),
    isKept: (id: string) => kept.has(id.toLowerCase()),
    isBusy(id: string): boolean {
      settle()
      return working.has(id.toLowerCase())
    },
    begin(id: string, end: () => void): string {
      const operation = Random.uuid(Random.mix(Random.hash(id), ++count))
      working.set(id.toLowerCase(), { operation, endsAt: now().getTime() + workSeconds * 1000, end })
      return operation
    },
    status(operation: string): 'InProgress' | 'Succeeded' | undefined {
      settle()
      if (ended.has(operation)) return 'Succeeded'
      return [...working.values()].some((each) => each.operation === operation) ? 'InProgress' : undefined
    },
  }
}

const subscriptionOf = (id: string) => id.split('/')[2]

function documentOf(resource: AzureResource, question: Question): Document {
  const { id, name, region, zone, tags, key } = resource
  const { properties, ...rest } = descriptions[resource.type]?.(resource, question) ?? { properties: {} }
  const [provider = '', kind = ''] = (id.split('/providers/')[1] ?? '').split('/')
  return {
    id,
    name,
    type: `${provider}/${kind}`,
    location: region,
    tags,
    ...(zone && { zones: [zone] }),
    ...rest,
    properties: { ...properties, provisioningState: 'Succeeded', ...identityOf(resource.type, key) },
  }
}

/** What tells a resource from a later one of the same name. */
function identityOf(type: string, key: number): Record<string, string> {
  const uuid = Random.uuid(Random.mix(key, 43))
  return type === 'microsoft.network/publicipaddresses' ? { resourceGuid: uuid } : { uniqueId: uuid }
}
