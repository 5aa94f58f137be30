import { createHash } from 'node:crypto'
import * as z from 'zod'
import { Calendar } from '@cloudoptima/core'
import { unavailable } from '../../access/verdict.ts'
import { type Blob, type Container, listBlobs, readBlob } from './blobs.ts'
import { type Calls, Refusal } from './calls.ts'
import type { CostSet, Export } from './exports.ts'
import { orReport } from './parts.ts'

/** One execution of an export that delivered a whole month. */
export interface Run {
  set: CostSet
  /** Of FOCUS: `1.2-preview`. */
  dataVersion: string
  period: string
  submittedAt: Date
  /** A hash of the manifest. */
  version: string
  container: Container
  /** Exports before 2023 have no manifest. */
  manifest?: Blob
  blobs: Blob[]
}

/** https://learn.microsoft.com/azure/cost-management-billing/costs/tutorial-improved-exports */
const Manifest = z.object({
  dataRowCount: z.number().optional(),
  exportConfig: z.object({ dataVersion: z.string().nullish(), timeFrame: z.string().nullish() }).optional(),
  runInfo: z.object({ submittedTime: z.string(), startDate: z.string(), endDate: z.string() }),
  blobs: z.array(z.object({ blobName: z.string(), byteCount: z.number().nullish() })),
})

// Runs overlap rarely: the latest of this many manifests is the latest run.
const mostManifests = 3

/** The newest complete run of each month since `oldest`; a month without one is reported. */
export async function runsOf(calls: Calls, source: Export, oldest: string): Promise<Run[]> {
  const { name, container, folder } = source
  const remedy =
    `Assign the application the role Storage Blob Data Reader on the container ${container.name} of the storage ` +
    `account ${container.account}, and let its firewall admit the product.`
  const listed = await orReport(calls, { part: `exports/${name}`, remedy }, () => listBlobs(calls, container, folder))
  const months = Map.groupBy(listed ?? [], (blob) => folderMonth(blob.name.slice(folder.length)))
  const runs: Run[] = []
  for (const [period, blobs] of months) {
    if (period === undefined || period < oldest) continue
    const manifests = blobs.filter((blob) => /\/_?manifest\.json$/.test(blob.name))
    const found =
      manifests.length > 0 ? await readRuns(calls, source, manifests, blobs) : bareRuns(source, period, blobs)
    const [run] = found.filter((run) => run.period === period).toSorted((a, b) => +b.submittedAt - +a.submittedAt)
    // A month without costs has a run without blobs.
    if (run) runs.push(...(run.blobs.length > 0 ? [run] : []))
    else
      calls.access.report({
        state: 'bill_incomplete',
        part: `exports/${name}/${period}`,
        message: 'No run of the export delivered this whole month. Run the export for the month in the Azure portal.',
      })
  }
  return runs
}

/** The month of a path such as `20261101-20261130/...`, if the folder covers all of it. */
function folderMonth(path: string): string | undefined {
  const [, from, to] = /^(\d{8})-(\d{8})\//.exec(path) ?? []
  const day = (digits: string) => `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`
  return from !== undefined && to !== undefined ? wholeMonth(day(from), day(to)) : undefined
}

/** Days as `2026-11-01`; the last may be the first of the next month. */
function wholeMonth(first: string, last: string): string | undefined {
  const month = /^(\d{4}-\d\d)-01$/.exec(first)?.[1]
  if (month === undefined) return undefined
  return [Calendar.monthSpan(month).end, `${Calendar.addMonths(month, 1)}-01`].includes(last) ? month : undefined
}

async function readRuns(calls: Calls, source: Export, manifests: Blob[], blobs: Blob[]): Promise<Run[]> {
  const runs: Run[] = []
  for (const manifest of manifests.toSorted((a, b) => +b.modifiedAt - +a.modifiedAt)) {
    const run = await readRun(calls, source, manifest, blobs)
    if (run) runs.push(run)
    if (runs.length === mostManifests) break
  }
  return runs
}

/** Undefined if the run covers part of a month, or is not delivered completely. */
async function readRun(calls: Calls, source: Export, manifest: Blob, blobs: Blob[]): Promise<Run | undefined> {
  const text = await textOf(calls, source.container, manifest)
  if (text === undefined) return undefined
  const parsed = Manifest.safeParse(jsonOf(text))
  if (!parsed.success) return undefined
  const { runInfo, exportConfig, dataRowCount, blobs: named } = parsed.data
  const parts = (dataRowCount === 0 ? [] : named).map(({ blobName, byteCount }) =>
    blobs.find(({ name, bytes }) => name === blobName && (byteCount == null || byteCount === bytes)),
  )
  const period = periodOf(runInfo, exportConfig?.timeFrame)
  if (period === undefined || !parts.every((part) => part !== undefined)) return undefined
  const { set, container } = source
  return {
    set,
    dataVersion: exportConfig?.dataVersion ?? '',
    period,
    submittedAt: new Date(runInfo.submittedTime),
    version: hashOf(text),
    container,
    manifest,
    blobs: parts,
  }
}

/** A run of the month to date covers its month as far as it is known. */
function periodOf({ startDate, endDate }: { startDate: string; endDate: string }, timeFrame: string | null = '') {
  const [first, last] = [startDate.slice(0, 10), endDate.slice(0, 10)]
  const isToDate =
    (timeFrame ?? '').endsWith('MonthToDate') && first.endsWith('-01') && last.startsWith(first.slice(0, 7))
  return isToDate ? first.slice(0, 7) : wholeMonth(first, last)
}

/** Exports without a manifest write one file for each run: `costs_<guid>.csv`. */
function bareRuns({ set, container, folder }: Export, period: string, blobs: Blob[]): Run[] {
  const isFile = ({ name, bytes }: Blob) =>
    bytes > 0 && /^[^/]+\/[^/]+_[\da-f-]{36}\.csv$/i.test(name.slice(folder.length))
  return blobs.filter(isFile).map((blob) => {
    const version = hashOf(`${blob.name}\n${blob.etag}`)
    return { set, dataVersion: '', period, submittedAt: blob.modifiedAt, version, container, blobs: [blob] }
  })
}

/** Whether the manifest of a run is still the same; throws Fault `unavailable`. */
export async function isUnchanged(calls: Calls, { container, manifest, version }: Run): Promise<boolean> {
  if (!manifest) return true
  const text = await textOf(calls, container, manifest)
  return text !== undefined && hashOf(text) === version
}

/** Undefined if the blob was deleted since it was listed. */
async function textOf(calls: Calls, container: Container, blob: Blob): Promise<string | undefined> {
  try {
    return await readBlob(calls, container, blob)
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return undefined
    throw error instanceof Refusal ? unavailable('Azure', `blob:GetBlob: ${error.status} ${error.code}`) : error
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
}

export const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
