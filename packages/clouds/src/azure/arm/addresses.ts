import { Random } from '@cloudoptima/sample'
import { Refusal } from '../../answers.ts'
import type { Document, Operation, Operations } from '../operation.ts'
import { accepted, askedId, bodyOf, byMethod, found, free, fresh, pathOf } from './requests.ts'

const type = 'Microsoft.Network/publicIPAddresses'

type Body = Pick<Document, 'location' | 'tags' | 'zones' | 'sku' | 'properties'>

/** `PublicIpAddressCreateCustomizedValues.json` of Azure/azure-rest-api-specs: 201, with another address than before. */
const put: Operation = (question) => {
  const { documents, now } = question.azure
  if (documents.find(question, askedId(question))) throw new Refusal('NotSimulated', 409)
  const { location, tags, zones, sku, properties } = bodyOf<Body>(question)
  const document = fresh(question, type, location)
  const key = Random.hash(`${document.id} ${now().toISOString()}`)
  const ipAddress = `20.${[1, 2, 3].map((part) => Random.mix(key, part) % 256).join('.')}`
  const made: Document = {
    ...document,
    tags,
    ...(zones && { zones }),
    ...(sku && { sku }),
    properties: { ...properties, resourceGuid: Random.uuid(key) },
  }
  return accepted(question, made, () => ({ ...made, properties: { ...made.properties, ipAddress } }), 201)
}

/** `PublicIpAddressDelete.json` */
const remove: Operation = (question) => {
  if (!question.azure.documents.find(question, askedId(question))) return { status: 204, body: '' }
  const document = free(question)
  if (document.properties['ipConfiguration']) throw new Refusal('PublicIPAddressCannotBeDeleted', 400)
  return { ...accepted(question, document, () => null), body: '' }
}

/** The answer to a read is as `PublicIpAddressGet.json`. */
export const addressOperations: Operations = {
  [type]: [pathOf(type), byMethod({ GET: (question) => ({ body: found(question) }), PUT: put, DELETE: remove })],
}
