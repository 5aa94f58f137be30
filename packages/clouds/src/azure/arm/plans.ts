import type { Document, Operation, Operations } from '../operation.ts'
import { accepted, bodyOf, byMethod, found, free, pathOf } from './requests.ts'

type Body = Pick<Document, 'tags' | 'properties'> & { sku: { name: string; tier: string; capacity: number } }

/**
 * `CreateOrUpdateAppServicePlan.json` of Azure/azure-rest-api-specs. The service names no operation of the resource
 * manager: the state of the plan tells when the change is made.
 */
const put: Operation = (question) => {
  const document = free(question)
  const { sku, tags, properties } = bodyOf<Body>(question)
  const { name, tier, capacity } = sku
  const changed = {
    ...document,
    sku: { name, tier, capacity },
    tags,
    properties: { ...document.properties, ...properties },
  }
  const { status = 202, body } = accepted(question, document, () => changed)
  return { status, body }
}

const type = 'Microsoft.Web/serverfarms'
const settings = 'Microsoft.Insights/autoscaleSettings'

export const planOperations: Operations = {
  [type]: [pathOf(type), byMethod({ GET: (question) => ({ body: found(question) }), PUT: put })],
  // `AutoscaleSettings_ListByResourceGroup.json`; nothing scales by itself.
  [`${settings}/read`]: [
    `/subscriptions/{subscription}/resourceGroups/{group}/providers/${settings}`,
    () => ({ body: { value: [] } }),
  ],
}
