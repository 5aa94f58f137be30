import { join } from 'node:path'
import { Day, Random } from '@cloudoptima/sample'
import { writeFiles } from '../files.ts'
import { newest, type Version, type Versions } from '../versions.ts'
import { guidOf } from './resource.ts'

export const costExport = {
  name: 'focus-daily',
  container: 'cost-exports',
  rootFolderPath: 'finops',
  dataVersion: '1.2-preview',
}

export interface Blob {
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

const { name, rootFolderPath, dataVersion } = costExport

/**
 * A daily export of FOCUS 1.2 that overwrites the files of its month, in the layout of
 * https://learn.microsoft.com/azure/cost-management-billing/costs/tutorial-improved-exports
 */
export function openExport(subscriptionId: string, versions: Versions, dir: string): Export {
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
