import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { hasCode, Import, Snapshot } from '@cloudoptima/core'
import { withProduct } from '../open.ts'
import { bytes, count, heading, periods, short, table } from '../text.ts'
import { totalsOf } from '../totals.ts'
import { totalsTable } from '../report.ts'

const maxImports = 10

export async function status({ data, json }: { data: string; json?: boolean }): Promise<number> {
  return await withProduct(data, async (product) => {
    const view = await Snapshot.view(product.ctx)
    const imports = await Import.list(product.ctx)
    const dataDir = resolve(data)
    const size = {
      total: await sizeOf(dataDir),
      objects: await sizeOf(join(dataDir, 's3')),
      tables: await sizeOf(join(dataDir, 'dynamodb')),
    }
    const facts = {
      dataDir,
      bytes: size.total,
      lakeVersion: view.lakeVersion,
      changedAt: view.lakeVersion === 0 ? null : view.at,
      partitions: view.snapshots.length,
      rows: view.snapshots.reduce((sum, { rows }) => sum + rows, 0),
      api: product.services.attached ? (product.api ?? product.services.api ?? null) : null,
    }
    if (json) {
      process.stdout.write(`${JSON.stringify({ ...facts, totals: totalsOf(view), imports })}\n`)
      return 0
    }
    const months = periods(view.snapshots.map(({ period }) => period)) || 'no periods'
    const lines: [string, string][] = [
      ['Data folder', dataDir],
      ['Size', `${bytes(size.total)}: objects (raw and Parquet) ${bytes(size.objects)}, tables ${bytes(size.tables)}`],
      ['Lake version', view.lakeVersion === 0 ? '0, empty' : `${view.lakeVersion}, since ${view.at}`],
      ['Holds', `${count(facts.rows)} rows in ${count(facts.partitions)} partitions, ${months}`],
      ['Server', product.services.attached ? `running${facts.api ? ` at ${facts.api}` : ''}` : 'not running'],
    ]
    const width = Math.max(...lines.map(([name]) => name.length))
    process.stdout.write(`${lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')}\n`)
    if (view.snapshots.length > 0)
      process.stdout.write(`${heading('In the lake, exact')}\n${totalsTable(totalsOf(view))}\n`)
    if (imports.length > 0) {
      const shown = imports.length > maxImports ? ` (${maxImports} of ${count(imports.length)})` : ''
      process.stdout.write(`${heading(`Imports, newest first${shown}`)}\n${importsTable(imports)}\n`)
    }
    return 0
  })
}

function importsTable(imports: readonly Import.Info[]): string {
  return table(
    [{ title: 'At' }, { title: 'Import' }, { title: 'Files' }, { title: 'Rows', align: 'right' }, { title: 'Status' }],
    imports
      .slice(0, maxImports)
      .map(({ createdAt, id, files, status, rebuildOf }) => [
        createdAt.slice(0, 19).replace('T', ' '),
        id,
        files.length === 1 ? short(files[0]?.name ?? '', 48) : `${count(files.length)} files`,
        count(files.reduce((sum, { rows }) => sum + (rows ?? 0), 0)),
        rebuildOf ? `${status} (rebuild)` : status,
      ]),
  )
}

/** Does not count files that are removed meanwhile. */
async function sizeOf(folder: string): Promise<number> {
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
