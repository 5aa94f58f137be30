import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { runOf } from '@cloudoptima/lake'
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
  path: string
  files: string[]
  /** Export, period and set: only runs of one export replace each other. */
  subject: string
  submittedAt: string | undefined
}

const mostBytes = 16 * 1024 * 1024

/** The files of a folder without those of runs that, by the manifests, a newer run of the same export replaced. */
export async function newestRuns(
  folder: string,
  bills: readonly string[],
  others: readonly string[],
): Promise<{ newest: string[]; notes: string[] }> {
  const manifests: Described[] = []
  for (const path of others.filter((name) => /manifest\.json$/i.test(name)))
    manifests.push(...(await described(folder, path)))
  const byParent = Map.groupBy(
    bills.flatMap((path) => runOf(path) ?? []),
    ({ parent }) => parent,
  )
  const superseded = new Map<string, string>()
  for (const [parent, files] of byParent) {
    const runs = [...new Set(files.map(({ run }) => run))]
    const newest = runs.length > 1 ? newestOf(parent, runs, manifests) : undefined
    if (newest !== undefined) for (const run of runs) if (run !== newest) superseded.set(`${parent}/${run}`, newest)
  }
  const isKept = (path: string) => {
    const run = runOf(path)
    return !run || !superseded.has(`${run.parent}/${run.run}`)
  }
  const notes = [...superseded].map(
    ([run, newest]) => `Left out: ${join(folder, run)}, because ${newest} is a newer run of the same export.`,
  )
  return { newest: bills.filter(isKept), notes }
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
async function described(folder: string, path: string): Promise<Described[]> {
  const file = join(folder, path)
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
