import { join } from 'node:path'
import { Day, Random } from '@cloudoptima/sample'
import { writeFiles } from '../files.ts'
import { newest, type Version, type Versions } from '../versions.ts'
import type { AzureSubscription } from './identity.ts'
import { type Operation, type Operations, page, type Question, Refusal } from './operation.ts'
import { guidOf } from './resource.ts'

const name = 'focus-daily'
const container = 'cost-exports'
const dataVersion = '1.2-preview'
const rootFolderPath = 'finops'
const listPage = 5

interface Blob {
  name: string
  etag: string
  modified: Date
  bytes: number
  content: { path: string } | { text: string }
}

/** The export of one subscription; its storage account costs nothing, so no list names it. */
export interface Export {
  /** Of the storage account. */
  account: string
  /** In the order of their names. Writes the files of a month at their first use. */
  blobs(): Promise<Blob[]>
}

/**
 * A daily export of FOCUS 1.2 that overwrites the files of its month, in the layout of
 * https://learn.microsoft.com/azure/cost-management-billing/costs/tutorial-improved-exports
 */
export function openExport({ subscriptionId }: AzureSubscription, versions: Versions, dir: string): Export {
  const runOf = newest(async (version: Version): Promise<Blob[]> => {
    const { month, id, modified } = version
    const folder = join(dir, subscriptionId, month)
    const files = await writeFiles(version, folder, ({ fields }) => guidOf(fields.SubAccountId) === subscriptionId)
    const { start: first, end: next } = Day.month(Day.parse(`${month}-01`))
    const [start, end] = [Day.format(first), Day.format(next - 1)]
    const runId = Random.uuid(Random.hash(`${id} ${subscriptionId}`))
    const span = [start, end].map((day) => day.replaceAll('-', '')).join('-')
    const run = `${rootFolderPath}/${name}/${span}/${runId}`
    const parts = files.map(({ path, bytes }, index): Blob => ({
      name: `${run}/part_${index}_0001.csv.gz`,
      etag: `0x${id}${index}`,
      modified,
      bytes,
      content: { path },
    }))
    const text = JSON.stringify({
      dataRowCount: files.reduce((sum, { rows }) => sum + rows, 0),
      exportConfig: { exportName: name, dataVersion, type: 'FocusCost', timeFrame: 'MonthToDate' },
      runInfo: { submittedTime: modified, runId, startDate: `${start}T00:00:00`, endDate: `${end}T00:00:00` },
      blobs: parts.map((part, index) => ({
        blobName: part.name,
        byteCount: part.bytes,
        dataRowCount: files[index]?.rows,
      })),
    })
    const bytes = Buffer.byteLength(text)
    return [{ name: `${run}/manifest.json`, etag: `0x${id}`, modified, bytes, content: { text } }, ...parts]
  })
  return {
    account: `larkfield${subscriptionId.slice(0, 8)}`,
    blobs: async () => (await Promise.all(versions.months().map((month) => runOf(versions.of(month))))).flat(),
  }
}

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
  const resourceId = `${scope}/resourceGroups/rg-finops/providers/Microsoft.Storage/storageAccounts/${exportOf(question).account}`
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

/** Of Cost Management and Blob storage. */
export const exports: Operations = {
  'Microsoft.CostManagement/exports/read': [
    'management.azure.com',
    '/subscriptions/{subscription}/providers/Microsoft.CostManagement/exports',
    listExports,
  ],
  'blob:ListBlobs': ['storage.azure.com', '/blob/{account}/{container}', listBlobs],
  'blob:GetBlob': ['storage.azure.com', '/blob/{account}/{container}/{blob*}', getBlob],
}
