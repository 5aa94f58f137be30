import { Random } from '@cloudoptima/sample'
import { Refusal } from '../../answers.ts'
import type { Document, Operation, Operations, Question } from '../operation.ts'
import { powerOf } from './machines.ts'
import { accepted, askedId, bodyOf, byMethod, found, free, fresh, pathOf } from './requests.ts'

const disks = 'Microsoft.Compute/disks'
const snapshots = 'Microsoft.Compute/snapshots'

interface Body {
  location?: string
  tags?: Record<string, string>
  zones?: string[]
  sku?: { name: string }
  properties?: { creationData?: { createOption: string; sourceResourceId?: string }; diskSizeGB?: number }
}

/** The document with the state of the disk, which follows from its machine: `Disk_Get.json` of Azure/azure-rest-api-specs. */
export function diskOf(question: Question, document: Document): Document {
  const { managedBy } = document
  const machine = managedBy ? question.azure.documents.find(question, managedBy) : undefined
  const isReserved = machine && powerOf(machine) === 'PowerState/deallocated'
  const diskState = managedBy ? (isReserved ? 'Reserved' : 'Attached') : 'Unattached'
  return { ...document, properties: { ...document.properties, diskState } }
}

const withTier = ({ name }: { name: string }) => ({ name, tier: name.startsWith('Premium') ? 'Premium' : 'Standard' })

const get: Operation = (question) => ({ body: diskOf(question, found(question)) })

/** `Disk_Create_ByCopyingASnapshot.json`, `Snapshot_Create_FromAnExistingSnapshot.json`: a copy gets an id of its own. */
const put =
  (type: string): Operation =>
  (question) => {
    const { documents } = question.azure
    const { location = '', tags = {}, zones, sku, properties = {} } = bodyOf<Body>(question)
    if (documents.find(question, askedId(question))) throw new Refusal('NotSimulated', 409)
    const source = documents.find(question, properties.creationData?.sourceResourceId ?? '')
    if (!source) throw new Refusal('NotFound', 404)
    if (documents.isBusy(source.id)) throw new Refusal('AnotherOperationInProgress', 409)
    const document = fresh(question, type, location)
    const { diskSizeGB, uniqueId: sourceUniqueId } = source.properties
    const made: Document = {
      ...document,
      tags,
      ...(zones && { zones }),
      ...(sku && { sku: withTier(sku) }),
      managedBy: '',
      properties: {
        diskSizeGB,
        ...properties,
        creationData: { ...properties.creationData, sourceUniqueId },
        timeCreated: question.azure.now(),
        uniqueId: Random.uuid(Random.hash(`${document.id} ${question.azure.now().toISOString()}`)),
        diskState: 'Unattached',
      },
    }
    return accepted(question, made, () => made)
  }

/** `Disk_Update_ChangeTier.json` */
const patch: Operation = (question) => {
  const document = diskOf(question, free(question))
  const { sku, properties } = bodyOf<Body>(question)
  if (document.properties['diskState'] === 'Attached') throw new Refusal('OperationNotAllowed', 409)
  if ((properties?.diskSizeGB ?? Infinity) < Number(document.properties['diskSizeGB']))
    throw new Refusal('ResizeDiskError', 400)
  const { tier: _, ...before } = document.properties
  // The tier follows from type and size again.
  const changed = { ...document, ...(sku && { sku: withTier(sku) }), properties: { ...before, ...properties } }
  return accepted(question, document, () => changed)
}

/** Whether a snapshot of it is being made. */
function isCopied(question: Question, { id }: Document): boolean {
  const { documents } = question.azure
  const copies = documents.all(question, snapshots.toLowerCase()).filter((each) => documents.isBusy(each.id))
  return copies.some(({ properties }) => {
    const { sourceResourceId = '' } = properties['creationData'] as { sourceResourceId?: string }
    return sourceResourceId.toLowerCase() === id.toLowerCase()
  })
}

/** `Disk_Delete.json`, `Snapshot_Delete.json` */
const remove: Operation = (question) => {
  if (!question.azure.documents.find(question, askedId(question))) return { status: 204, body: '' }
  const document = free(question)
  if (document.managedBy || isCopied(question, document)) throw new Refusal('OperationNotAllowed', 409)
  return { ...accepted(question, document, () => null), body: '' }
}

export const diskOperations: Operations = {
  [disks]: [pathOf(disks), byMethod({ GET: get, PUT: put(disks), PATCH: patch, DELETE: remove })],
  [snapshots]: [
    pathOf(snapshots),
    byMethod({ GET: (question) => ({ body: found(question) }), PUT: put(snapshots), DELETE: remove }),
  ],
}
