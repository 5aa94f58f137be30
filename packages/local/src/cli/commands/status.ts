import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Context, hasCode, Import, Snapshot } from '@cloudoptima/core'
import { withProduct, type CommonOptions } from '../options.ts'
import { print, printJson, bytes, count, heading, instant, periods, right, short, table } from '../output.ts'
import { totalsTable } from '../report.ts'
import { totalsOf } from '../totals.ts'

const maxImports = 10
const maxListed = 100

export async function status({ data, json }: CommonOptions): Promise<number> {
  return await withProduct(data, async ({ ctx, services, api: own }) => {
    const view = await Snapshot.view(ctx)
    const totals = totalsOf(view)
    const { imports, importCount } = await newest(ctx)
    const dataDir = resolve(data)
    const [total, objects, tables] = await Promise.all(
      ['', 's3', 'dynamodb'].map((name) => sizeOf(join(dataDir, name))),
    )
    const facts = {
      dataDir,
      bytes: total,
      lakeVersion: view.lakeVersion,
      changedAt: view.lakeVersion === 0 ? null : view.at,
      partitions: view.snapshots.length,
      rows: view.snapshots.reduce((sum, { rows }) => sum + rows, 0),
      api: services.attached ? (own ?? services.api ?? null) : null,
    }
    if (json) {
      printJson({ ...facts, totals, importCount, imports })
      return 0
    }
    const months = periods(view.snapshots.map(({ period }) => period)) || 'no periods'
    const sizes = `objects (raw and Parquet) ${bytes(objects ?? 0)}, tables ${bytes(tables ?? 0)}`
    const lines = {
      'Data folder': dataDir,
      Size: `${bytes(total ?? 0)}: ${sizes}`,
      'Lake version': view.lakeVersion === 0 ? '0, empty' : `${view.lakeVersion}, since ${view.at}`,
      Holds: `${count(facts.rows)} rows in ${count(facts.partitions)} partitions, ${months}`,
      Server: services.attached ? `running${facts.api ? ` at ${facts.api}` : ''}` : 'not running',
    }
    const width = Math.max(...Object.keys(lines).map(({ length }) => length))
    print(
      Object.entries(lines)
        .map(([name, value]) => `${name.padEnd(width)}  ${value}`)
        .join('\n'),
    )
    if (totals.length > 0) print(`${heading('In the lake, exact')}\n${totalsTable(totals)}`)
    const shown = importCount > maxImports ? ` (${maxImports} of ${count(importCount)})` : ''
    if (imports.length > 0) print(`${heading(`Imports, newest first${shown}`)}\n${importsTable(imports)}`)
    return 0
  })
}

async function newest(ctx: Context) {
  const imports: Import.Stored[] = []
  let importCount = 0
  for await (const record of Import.records(ctx)) if (importCount++ < maxListed) imports.push(record)
  return { imports, importCount }
}

function importsTable(imports: readonly Import.Stored[]) {
  const rows = imports.slice(0, maxImports).map((record) => {
    const { createdAt, id, files, origin, status, rebuildOf } = record
    const sums = Import.sumsOf(record)
    return [
      instant(createdAt),
      id,
      origin
        ? short(origin.source, 48)
        : sums.fileCount === 1
          ? short(files?.[0]?.name ?? '', 48)
          : `${count(sums.fileCount)} files`,
      count(sums.rows),
      rebuildOf ? `${status} (rebuild)` : status,
    ]
  })
  return table(['At', 'Import', 'Bill', right('Rows'), 'Status'], rows)
}

/** Does not count files that are removed meanwhile. */
async function sizeOf(folder: string) {
  const entries = await orMissing(readdir(folder, { withFileTypes: true, recursive: true }))
  const sizes = await Promise.all(
    (entries ?? [])
      .filter((entry) => entry.isFile())
      .map((entry) => orMissing(stat(join(entry.parentPath, entry.name)))),
  )
  return sizes.reduce((sum, found) => sum + (found?.size ?? 0), 0)
}

async function orMissing<Value>(value: Promise<Value>): Promise<Value | undefined> {
  try {
    return await value
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
