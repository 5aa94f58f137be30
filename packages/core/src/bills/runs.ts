import { readFile, stat } from 'node:fs/promises'
import * as z from 'zod'

/** Of Azure exports, AWS Data Exports and legacy Cost and Usage Reports. */
const Manifest = z.object({
  exportConfig: z.object({ exportName: z.string(), type: z.string() }).partial().optional(),
  runInfo: z.object({ submittedTime: z.string(), startDate: z.string(), endDate: z.string() }).partial().optional(),
  blobs: z.array(z.object({ blobName: z.string() })).optional(),
  dataFiles: z.array(z.string()).optional(),
  reportKeys: z.array(z.string()).optional(),
})

interface Described {
  /** Of the manifest, below the folder of all files. */
  path: string
  files: string[]
  /** Export, period and set: only runs of one export replace each other. */
  subject: string
  submittedAt: string | undefined
}

const mostBytes = 16 * 1024 * 1024

export const isManifest = (name: string): boolean => /manifest\.json$/i.test(name)

/** The name of a run's folder: a GUID (Azure, legacy CUR), or a time with an execution id (AWS Data Exports). */
const runName = /[\da-f]{8}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{12}|^\d{4}-?\d{2}-?\d{2}T[\d:.-]+Z/i

/** The folder of the run that wrote a file, and the folder that holds the runs; undefined for a file of no run. */
export function runOf(path: string): { parent: string; run: string } | undefined {
  const folders = path.split(/[\\/]/).slice(0, -1)
  const at = folders.findLastIndex((folder) => runName.test(folder))
  return at < 0 ? undefined : { parent: folders.slice(0, at).join('/'), run: folders[at] ?? '' }
}

/** The bills of a delivery without its manifests, and without runs that, by these, a newer run of the export replaced. */
export async function newestRuns<File extends { name: string; path: string }>(
  files: readonly File[],
): Promise<{ newest: File[]; notes: string[] }> {
  const { bills = [], found = [] } = Object.groupBy(files, ({ name }) => (isManifest(name) ? 'found' : 'bills'))
  const root = commonFolder(files.map(({ name }) => name))
  const runIn = ({ name }: File) => runOf(name.slice(root.length))
  const manifests: Described[] = []
  for (const file of found) manifests.push(...(await described(file.path, file.name.slice(root.length))))
  const superseded = new Map<string, string>()
  for (const [parent, runsOf] of Map.groupBy(
    bills.flatMap((file) => runIn(file) ?? []),
    ({ parent }) => parent,
  )) {
    const runs = [...new Set(runsOf.map(({ run }) => run))]
    const newest = runs.length > 1 ? newestOf(parent, runs, manifests) : undefined
    if (newest !== undefined)
      for (const run of runs) if (run !== newest) superseded.set(folderOf({ parent, run }), newest)
  }
  const isKept = (file: File) => {
    const run = runIn(file)
    return !run || !superseded.has(folderOf(run))
  }
  const notes = [...superseded].map(
    ([run, newest]) => `Left out: ${root}${run}, because ${newest} is a newer run of the same export.`,
  )
  return { newest: bills.filter(isKept), notes }
}

const folderOf = ({ parent, run }: { parent: string; run: string }) => (parent === '' ? run : `${parent}/${run}`)

/** The folder of all paths, with its slash: the blob names in a manifest begin at another one. */
function commonFolder([first = '', ...paths]: readonly string[]) {
  let length = first.lastIndexOf('/') + 1
  while (paths.some((path) => !path.startsWith(first.slice(0, length)))) length = first.lastIndexOf('/', length - 2) + 1
  return first.slice(0, length)
}

/** The newest of several runs: the only one that a manifest outside of them names, or the one submitted last. */
function newestOf(parent: string, runs: readonly string[], manifests: readonly Described[]) {
  const isOf = (run: string, file: string) => {
    const found = runOf(file)
    return found?.run === run && (found.parent.endsWith(parent) || parent.endsWith(found.parent))
  }
  const described = runs.map((run) => ({
    run,
    by: manifests.filter(({ path, files }) => [path, ...files].some((file) => isOf(run, file))),
  }))
  const named = described.filter(({ by }) => by.some(({ path }) => runOf(path) === undefined))
  if (named.length === 1) return named[0]?.run
  const subjects = new Set(described.flatMap(({ by }) => by.map(({ subject }) => subject)))
  if (subjects.size !== 1 || described.some(({ by }) => by.length === 0)) return undefined
  const dated = described
    .map(({ run, by }) => ({
      run,
      at:
        by
          .flatMap(({ submittedAt }) => submittedAt ?? [])
          .toSorted()
          .at(-1) ?? timeOf(run),
    }))
    .toSorted((a, b) => (a.at < b.at ? 1 : -1))
  const [last, before] = dated
  return dated.every(({ at }) => at !== '') && last?.at !== before?.at ? last?.run : undefined
}

/** Of AWS Data Exports; empty without one. */
function timeOf(run: string) {
  return /^\d{4}-?\d{2}-?\d{2}T[\d:.-]+Z/.exec(run)?.[0] ?? ''
}

/** None for another kind of JSON. */
async function described(file: string, path: string): Promise<Described[]> {
  if ((await stat(file)).size > mostBytes) return []
  const parsed = Manifest.safeParse(json(await readFile(file, 'utf8')))
  if (!parsed.success) return []
  const { exportConfig, runInfo, blobs = [], dataFiles = [], reportKeys = [] } = parsed.data
  const subject = [exportConfig?.exportName, exportConfig?.type, runInfo?.startDate, runInfo?.endDate].join(' ')
  const files = [...blobs.map(({ blobName }) => blobName), ...dataFiles, ...reportKeys]
  return [{ path, files, subject, submittedAt: runInfo?.submittedTime }]
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
