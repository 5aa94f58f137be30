import { Refusal } from '../answers.ts'
import { type Blob, costExport, type Export } from './export.ts'
import { type Operation, type Operations, page, type Question } from './operation.ts'

const { name, container, rootFolderPath, dataVersion } = costExport
const listPage = 5

function exportOf({ azure, subscription }: Question): Export {
  const own = azure.exports.get(subscription.subscriptionId)
  if (!own) throw new Error('The subscription has no export')
  return own
}

/** The blobs of the own container; no application may read another one. */
async function blobsIn(question: Question): Promise<Blob[]> {
  const own = exportOf(question)
  const { named } = question
  if (named['account'] !== own.account || named['container'] !== container)
    throw new Refusal('AuthorizationPermissionMismatch', 403)
  return await own.blobs()
}

const listBlobs: Operation = async (question) => {
  const { query } = question.request
  const prefix = query.get('prefix') ?? ''
  const all = (await blobsIn(question)).filter((blob) => blob.name.startsWith(prefix))
  const { items, next = '' } = page(all, query.get('marker'), listPage)
  const blobs = items.map(
    (blob) =>
      `<Blob><Name>${blob.name}</Name><Properties><Last-Modified>${blob.modified.toUTCString()}</Last-Modified>` +
      `<Etag>${blob.etag}</Etag><Content-Length>${blob.bytes}</Content-Length></Properties></Blob>`,
  )
  return {
    body:
      `\uFEFF<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="${container}">` +
      `<Blobs>${blobs.join('')}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`,
  }
}

const getBlob: Operation = async (question) => {
  const blobs = await blobsIn(question)
  const found = blobs.find((blob) => blob.name === question.named['blob'])
  if (!found) throw new Refusal('BlobNotFound', 404)
  const { content, bytes, modified } = found
  const etag = `"${found.etag}"`
  if ((question.request.headers['if-match'] ?? etag) !== etag) throw new Refusal('ConditionNotMet', 412)
  return {
    headers: { etag, 'last-modified': modified.toUTCString() },
    ...('path' in content ? { file: { path: content.path, first: 0, last: bytes - 1 } } : { body: content.text }),
  }
}

const listExports: Operation = (question) => {
  const scope = `/subscriptions/${question.subscription.subscriptionId}`
  const { account } = exportOf(question)
  const resourceId = `${scope}/resourceGroups/rg-finops/providers/Microsoft.Storage/storageAccounts/${account}`
  const dataSet = { granularity: 'Daily', configuration: { dataVersion } }
  const properties = {
    format: 'Csv',
    partitionData: true,
    compressionMode: 'gzip',
    dataOverwriteBehavior: 'OverwritePreviousReport',
    deliveryInfo: { destination: { resourceId, container, rootFolderPath } },
    definition: { type: 'FocusCost', timeframe: 'MonthToDate', dataSet },
  }
  const id = `${scope}/providers/Microsoft.CostManagement/exports/${name}`
  return { body: { value: [{ id, name, type: 'Microsoft.CostManagement/exports', properties }] } }
}

/** Of exports and Blob storage. */
export const billing: Operations = {
  'Microsoft.CostManagement/exports/read': [
    '/subscriptions/{subscription}/providers/Microsoft.CostManagement/exports',
    listExports,
  ],
  'blob:ListBlobs': ['/blob/{account}/{container}', listBlobs],
  'blob:GetBlob': ['/blob/{account}/{container}/{blob*}', getBlob],
}
