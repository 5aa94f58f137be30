import { Refusal } from '../../answers.ts'
import type { Answer } from '../../server.ts'
import type { Document, Operation, Question } from '../operation.ts'

/** The path of a resource of a type. */
export const pathOf = (type: string) => `/subscriptions/{subscription}/resourceGroups/{group}/providers/${type}/{name}`

/** The id of the resource that a request names, without the verb of a POST. */
export function askedId({ request: { path } }: Question): string {
  return decodeURIComponent(path.split('/').slice(0, 9).join('/'))
}

export function found(question: Question): Document {
  const document = question.azure.documents.find(question, askedId(question))
  if (!document) throw new Refusal('ResourceNotFound', 404)
  return document
}

/** The resource of a request that changes it, which nobody else is changing. */
export function free(question: Question): Document {
  const document = found(question)
  if (question.azure.documents.isBusy(document.id)) throw new Refusal('AnotherOperationInProgress', 409)
  return document
}

export const bodyOf = <Body>({ request: { body } }: Question): Body => JSON.parse(body) as Body

/** The document of a resource that does not exist yet, with the type as Azure spells it. */
export function fresh({ subscription, named }: Question, type: string, location: string): Document {
  const name = decodeURIComponent(named['name'] ?? '')
  const group = `/subscriptions/${subscription.subscriptionId}/resourceGroups/${decodeURIComponent(named['group'] ?? '')}`
  return { id: `${group}/providers/${type}/${name}`, name, type, location, tags: {}, properties: {} }
}

/** The end of a change: the document of after, or null if the resource is deleted. */
type End = () => Document | null

/**
 * Begins a change, and answers as the examples do: 202 with the URL of the operation.
 * https://github.com/Azure/azure-rest-api-specs: `VirtualMachine_Deallocate_MinimumSet_Gen.json`, `Disk_Delete.json`.
 * Those of disks have a path of their own, as recorded by https://github.com/cloud-custodian/cloud-custodian
 */
export function accepted(question: Question, document: Document, end: End, status = 202): Answer {
  const { documents } = question.azure
  const working = { ...document, properties: { ...document.properties, provisioningState: 'Updating' } }
  documents.keep(working)
  const operation = documents.begin(document.id, () => {
    const after = end()
    if (after) documents.keep({ ...after, properties: { ...after.properties, provisioningState: 'Succeeded' } })
    else documents.remove(document.id)
  })
  const [, provider] = document.id.split('/providers/')
  const isDisk = /\/(disks|snapshots)\//.test(document.id)
  const kind = isDisk ? 'DiskOperations' : 'operations'
  const place = `providers/${provider?.split('/')[0]}/locations/${document.location}/${kind}/${operation}`
  const version = question.request.query.get('api-version') ?? ''
  const { subscriptionId } = question.subscription
  const url = `https://${question.request.headers.host}/subscriptions/${subscriptionId}/${place}?api-version=${version}`
  return { status, headers: { 'azure-asyncoperation': url, location: `${url}&monitor=true` }, body: working }
}

/** Answers a request on a resource by its method. */
export function byMethod(methods: Partial<Record<'GET' | 'PUT' | 'PATCH' | 'DELETE', Operation>>): Operation {
  return async (question) => {
    const { method } = question.request
    const operation = methods[method as keyof typeof methods]
    if (!operation) throw new Refusal('MethodNotAllowed', 405)
    return await operation(question)
  }
}

/** https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations */
export const operationStatus: Operation = ({ azure, named }) => {
  const name = named['operation'] ?? ''
  const status = azure.documents.status(name)
  if (status === undefined) throw new Refusal('NotFound', 404)
  return { body: { name, status } }
}
