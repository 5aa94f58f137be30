import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Fault, hasCode, isFault, Runs } from '@cloudoptima/core'
import glob from 'fast-glob'

export interface BillFile {
  name: string
  path: string
  bytes: number
}

/** Files that are imported together: all or none. */
export interface Delivery {
  argument: string
  files: BillFile[]
}

export interface Refusal {
  path: string
  reason: string
}

/** Files beside bills; every other file is treated as a bill. */
const companions = [
  /^(licen[cs]e|readme|notice|copying|changelog)([-._]|$)/i,
  /^_(success|started|committed|metadata|common_metadata)/i,
  // In this file, AWS's CUR for Athena says whether it is being written.
  /^cost_and_usage_data_status\./i,
  /^(md5|sha\d+)sums?(\.txt)?$/i,
  /\.(md|json|json\.gz|yml|yaml|xml|sql|html?|pdf|md5|sha\d+|crc|sig|asc|log|ini)$/i,
  /^thumbs\.db$/i,
  /^~\$/,
]

interface Resolved {
  deliveries: Delivery[]
  leftOut: string[]
  notes?: string[]
}

interface Arguments extends Required<Resolved> {
  refusals: Refusal[]
}

/** A folder is one delivery; each file and each match of a pattern is one of its own. */
export async function deliveriesOf(paths: readonly string[]): Promise<Arguments> {
  const deliveries: Delivery[] = []
  const refusals: Refusal[] = []
  const leftOut: string[] = []
  const notes: string[] = []
  for (const path of paths) {
    const found = await resolve(path)
    if ('reason' in found) refusals.push(found)
    else {
      deliveries.push(...found.deliveries)
      leftOut.push(...found.leftOut)
      notes.push(...(found.notes ?? []))
    }
  }
  return { deliveries, refusals, leftOut, notes }
}

async function resolve(path: string): Promise<Resolved | Refusal> {
  const exists = await statOf(path)
  if (exists === 'denied') return unreadable(path)
  if (exists?.isFile())
    return await readable([path], (files) => ({ deliveries: [{ argument: path, files }], leftOut: [] }))
  if (exists?.isDirectory()) {
    if (!(await isReadable(path))) return unreadable(path)
    const names = await glob('**/*', { cwd: path, onlyFiles: true, dot: true })
    const none = 'Bills are CSV or Parquet files, plain or packed (.gz, .zst, .zip).'
    const { bills, others } = sorted(names)
    if (bills.length === 0) return { path, reason: `${path} holds no bills${ignored(others)}. ${none}` }
    const log = others.find((name) => tableLog.test(name))
    if (log !== undefined) return { path, reason: tableReason(join(path, log)) }
    const within = (name: string) => join(path, name)
    const leftOut = others.map(within)
    const files = [...bills, ...others.filter(Runs.isManifest)].map(within)
    const found = await newestRuns(files)
    if (found instanceof Fault) return { path, reason: found.message }
    const paths = found.newest.map(({ path }) => path)
    return await readable(paths, (files) => ({
      deliveries: [{ argument: path, files }],
      leftOut,
      notes: found.notes,
    }))
  }
  if (exists) {
    const wanted = 'Name a bill file, a folder of bills, or a pattern.'
    return { path, reason: `${path} is neither a file nor a folder. ${wanted}` }
  }
  if (!glob.isDynamicPattern(path))
    return { path, reason: `${path} does not exist. Check the path; relative paths start at ${process.cwd()}.` }
  const { bills, others } = sorted(await glob(path, { onlyFiles: true }))
  if (bills.length === 0) {
    const advice = 'Quote the pattern if the shell must not expand it.'
    return { path, reason: `No bill matches ${path}${ignored(others)}. ${advice}` }
  }
  return await readable(bills, (files) => ({
    deliveries: files.map((file) => ({ argument: path, files: [file] })),
    leftOut: others,
  }))
}

/** The log of a Delta Lake, Iceberg or Hudi table. Beside the current files, its folder keeps replaced ones. */
const tableLog = /(^|\/)(_delta_log\/.*\.json|metadata\/[^/]*\.metadata\.json|\.hoodie\/.*)$/

function tableReason(log: string) {
  const reason = 'the folder is a table of Delta Lake, Iceberg or Hudi, which keeps replaced rows beside current ones'
  return `${log}: ${reason}. Export the rows of the table as CSV or Parquet, and import these.`
}

async function newestRuns(names: readonly string[]) {
  try {
    return await Runs.newestRuns(names.map((name) => ({ name, path: name })))
  } catch (error) {
    if (isFault(error, 'invalid')) return error
    throw error
  }
}

function sorted(paths: readonly string[]) {
  const { bills = [], others = [] } = Object.groupBy(paths.toSorted(), (path) => (isBill(path) ? 'bills' : 'others'))
  return { bills, others }
}

async function readable(
  paths: readonly string[],
  resolved: (files: BillFile[]) => Resolved,
): Promise<Resolved | Refusal> {
  for (const path of paths) if (!(await isReadable(path))) return unreadable(path)
  return resolved(await Promise.all(paths.map(file)))
}

function isBill(path: string) {
  return !companions.some((companion) => companion.test(basename(path))) && !isHidden(path)
}

function isHidden(path: string) {
  return path.split('/').some((part) => (part.startsWith('.') && part !== '.' && part !== '..') || part === '__MACOSX')
}

const maxNames = 20

export function leftOutText(paths: readonly string[]): string {
  const shown = [...paths.filter((path) => !isHidden(path)), ...paths.filter(isHidden)].slice(0, maxNames)
  const more = paths.length > shown.length ? ` and ${paths.length - shown.length} more` : ''
  return (
    `Left out, because of their names: ${shown.join(', ')}${more}. To import one of them as a bill, name the ` +
    'file itself.'
  )
}

function ignored(names: readonly string[]) {
  if (names.length === 0) return ''
  const shown = names.slice(0, 3).map((name) => basename(name))
  return ` (ignored: ${shown.join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''})`
}

function unreadable(path: string): Refusal {
  return { path, reason: `${path} cannot be read. Grant yourself read permission and import it again.` }
}

async function file(path: string): Promise<BillFile> {
  return { name: path, path, bytes: (await stat(path)).size }
}

async function isReadable(path: string) {
  return await access(path, constants.R_OK).then(
    () => true,
    () => false,
  )
}

async function statOf(path: string) {
  try {
    return await stat(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    if (hasCode(error, 'EACCES')) return 'denied'
    throw error
  }
}
