import { readFile, stat } from 'node:fs/promises'
import * as z from 'zod'
import { Fault } from '../kernel/fault.ts'

/** Of Azure exports, AWS Data Exports and legacy Cost and Usage Reports. */
const Manifest = z.object({
  exportConfig: z.object({ exportName: z.string(), type: z.string() }).partial().optional(),
  runInfo: z.object({ submittedTime: z.string(), startDate: z.string(), endDate: z.string() }).partial().optional(),
  blobs: z.array(z.object({ blobName: z.string() })).optional(),
  dataFiles: z.array(z.string()).optional(),
  reportKeys: z.array(z.string()).optional(),
  reportName: z.string().optional().catch(undefined),
  account: z.string().optional().catch(undefined),
  billingPeriod: z.object({ start: z.string() }).optional().catch(undefined),
})

interface Described {
  /** Of the manifest, below the folder of all files. */
  path: string
  files: string[]
  /** Export, period and set: only runs of one export replace each other. */
  subject: string
  submittedAt: string | undefined
  /** Of a Cost and Usage Report: its name, and the account and month that it holds as a whole. */
  report: { name: string; bill: string } | undefined
}

const mostBytes = 16 * 1024 * 1024

export const isManifest = (name: string): boolean => /manifest\.json$/i.test(name)

/** The name of a run's folder: a GUID (Azure, legacy CUR), or a time with an execution id (AWS Data Exports). */
const runName = /[\da-f]{8}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{12}|^\d{4}-?\d{2}-?\d{2}T[\d:.-]+Z/i

/** A folder named after the minute of a run, 202409030404, which may hold the run's own folder. */
const runTime = /^20\d{10}$/

/** The folder of the run that wrote a file, and the folder that holds the runs; undefined for a file of no run. */
export function runOf(path: string): { parent: string; run: string } | undefined {
  const folders = path.split(/[\\/]/).slice(0, -1)
  const at = folders.findLastIndex((folder) => runName.test(folder))
  if (at < 0) return undefined
  const from = runTime.test(folders[at - 1] ?? '') ? at - 1 : at
  return { parent: folders.slice(0, from).join('/'), run: folders.slice(from, at + 1).join('/') }
}

/**
 * The bills of a delivery without its manifests, and without what these say is not of the bill: runs that a newer run
 * of the export replaced, and parts that an earlier, larger delivery left in the folder. Throws Fault `invalid` if a
 * manifest names a file that the delivery lacks beside others that it has, and for two reports of one bill.
 */
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
  const kept = bills.filter(isKept)
  const leftovers = leftoversOf(
    kept,
    bills,
    manifests.map((manifest) => ({ ...manifest, path: root + manifest.path })),
  )
  const notes = [
    ...[...superseded].map(
      ([run, newest]) => `Left out: ${root}${run}, because ${newest} is a newer run of the same export.`,
    ),
    ...[...leftovers].map(([{ name }, manifest]) => `Left out: ${name}, because ${manifest} does not name it.`),
  ]
  return { newest: kept.filter((file) => !leftovers.has(file)), notes }
}

/** Parts that no manifest names, beside parts that one names, with its path: an earlier delivery had more parts. */
function leftoversOf<File extends { name: string }>(
  kept: readonly File[],
  bills: readonly File[],
  manifests: readonly Described[],
) {
  const delivered = new Set(bills.map(({ name }) => unpackedName(name)))
  const keptNames = new Set(kept.map(({ name }) => unpackedName(name)))
  const places = manifests.map((manifest) => ({
    path: manifest.path,
    names: placesOf(manifest, [...delivered]),
    report: manifest.report,
  }))
  refuseTwoReports(places.filter(({ names }) => names.some((name) => keptNames.has(name))))
  const named = new Set(places.flatMap(({ names }) => names))
  const leftovers = new Map<File, string>()
  for (const { path, names } of places) {
    if (!names.some((name) => keptNames.has(name))) continue
    const missing = names.find((name) => !delivered.has(name))
    if (missing !== undefined) throw incomplete(path, missing)
    const parts = new Set(names.map(withoutNumbers))
    for (const file of kept) {
      const name = unpackedName(file.name)
      if (!named.has(name) && parts.has(withoutNumbers(name))) leftovers.set(file, path)
    }
  }
  return leftovers
}

/** Each Cost and Usage Report of an account holds all its costs. */
function refuseTwoReports(places: readonly Pick<Described, 'path' | 'report'>[]) {
  const first = new Map<string, Pick<Described, 'path' | 'report'>>()
  for (const { path, report } of places) {
    if (!report) continue
    const other = first.get(report.bill) ?? { path, report }
    first.set(report.bill, other)
    if (other.report?.name === report.name) continue
    const message = `it is a report of the same bill as ${other.path}, and together they would count it twice`
    throw new Fault('invalid', `${path}: ${message}. Import the files of one of them.`, [{ path, message }])
  }
}

function incomplete(manifest: string, missing: string) {
  const message = `it names ${missing}, which the delivery lacks, plain and packed`
  const advice = 'Import all files that the manifest names, or leave the manifest out.'
  return new Fault('invalid', `${manifest}: ${message}. ${advice}`, [{ path: manifest, message }])
}

/** A manifest names packed files, and their owner may have unpacked them. */
const unpackedName = (name: string) => name.replace(/\.(gz|zst|zip)$/i, '')

/** Equal for the parts of one bill: `mills-00001.csv`, `mills-00002.csv`. */
const withoutNumbers = (name: string) => name.replaceAll(/\d+(?=[^/]*$)/g, '0')

/** Whether the last folder is one of several that hold files of the same names: a run, a month, a Hive partition. */
function isPartition(folder: string) {
  const name = lastName(folder.slice(0, -1))
  return runName.test(name) || /=|^\d{8}-\d{8}$/.test(name)
}

/**
 * Where the files of a manifest lie among the delivered ones. A manifest has the paths of a bucket, so the longest end
 * that one of them shares with a delivered path tells the folder. None if nothing tells it.
 */
function placesOf({ path, files }: Described, delivered: readonly string[]) {
  const byName = Map.groupBy(delivered, lastName)
  const names = files.map(unpackedName)
  const [place] = names
    .flatMap((name) => (byName.get(lastName(name)) ?? []).map((ours) => withoutSharedEnd(name, ours)))
    .filter(({ shared, theirs, ours }) =>
      shared === 1 ? ours === path.slice(0, -lastName(path).length) : !(isPartition(theirs) && isPartition(ours)),
    )
    .toSorted((a, b) => b.shared - a.shared)
  if (!place) return []
  const { theirs, ours } = place
  return names.filter((name) => name.startsWith(theirs)).map((name) => ours + name.slice(theirs.length))
}

const lastName = (path: string) => path.slice(path.lastIndexOf('/') + 1)

/** Both paths without the names with which both end, and how many these are. */
function withoutSharedEnd(a: string, b: string) {
  const [theirs, ours] = [a.split('/'), b.split('/')]
  let shared = 0
  while (theirs.length > 0 && theirs.at(-1) === ours.at(-1)) {
    shared++
    theirs.pop()
    ours.pop()
  }
  const [from = '', to = ''] = [theirs, ours].map((names) => names.map((name) => `${name}/`).join(''))
  return { shared, theirs: from, ours: to }
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
  const { reportName: name, account, billingPeriod } = parsed.data
  const report = name && account && billingPeriod ? { name, bill: `${account} ${billingPeriod.start}` } : undefined
  return [{ path, files, subject, submittedAt: runInfo?.submittedTime, report }]
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
