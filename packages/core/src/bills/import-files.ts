import type { Context } from '../effects/context.ts'
import { Fault, onConflict } from '../kernel/fault.ts'
import type { File } from './file.ts'
import type { Info } from './import-schema.ts'
import { walk } from '../effects/tables.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    imports: Table<Stored>
    importFiles: Table<{ id: string; files: File[]; expiresAt?: number }>
  }
}

/** Many files stand in an item of their own, and only their sums in the record. */
export type Stored = Omit<Info, 'files'> & { files?: File[]; sums?: Sums }

export interface Sums {
  fileCount: number
  bytes: number
  rows: number
}

const mostInRecord = 20

export function recordOf({ files, ...info }: Info): Stored {
  return files.length <= mostInRecord ? { ...info, files } : { ...info, sums: sumsOf({ files }) }
}

export function sumsOf({ files = [], sums }: Pick<Stored, 'files' | 'sums'>): Sums {
  const sum = (field: 'bytes' | 'rows') => files.reduce((total, file) => total + (file[field] ?? 0), 0)
  return sums ?? { fileCount: files.length, bytes: sum('bytes'), rows: sum('rows') }
}

/** Before the record; the files of a killed request expire. */
export async function add(ctx: Context, { id, files }: Info, expiresAt: number): Promise<void> {
  if (files.length <= mostInRecord) return
  // A late repetition of the request must not replace the newer fields of the import.
  await onConflict(ctx.tables.importFiles.insert(ctx.orgId, { id, files, expiresAt }), () => undefined)
}

/** The files that the record does not have, for good. */
export async function keep(ctx: Context, { id, files }: Info): Promise<void> {
  if (files.length > mostInRecord) await ctx.tables.importFiles.put(ctx.orgId, { id, files })
}

/** Throws Fault `not_found` if the import was removed meanwhile. */
export async function filesOf({ tables, orgId }: Context, { id, files }: Stored): Promise<File[]> {
  if (files) return files
  const kept = await tables.importFiles.get(orgId, id)
  if (!kept) throw new Fault('not_found', `The files of import ${id} are gone. Import them again.`)
  return kept.files
}

export async function edit(ctx: Context, id: string, change: (files: File[]) => File[]): Promise<void> {
  const { imports, importFiles } = ctx.tables
  const edited = await imports.update(ctx.orgId, id, (info) =>
    info.files ? { ...info, files: change(info.files) } : undefined,
  )
  if (!edited.after.files) await importFiles.update(ctx.orgId, id, (kept) => ({ ...kept, files: change(kept.files) }))
}

export function withStatus(ctx: Context, status: Stored['status']): AsyncGenerator<Stored> {
  return walk((page) => ctx.tables.imports.byStatus(ctx.orgId, status, page))
}
