import type { Context } from '../../effects/context.ts'
import type { Progress } from '../../effects/lake.ts'
import { isFault } from '../../kernel/fault.ts'
import type * as Import from '../../bills/import.ts'
import * as Files from '../../bills/import-files.ts'
import * as Usage from '../../organization/usage.ts'

const progressMs = 500

export type ImportRecord = ReturnType<typeof importRecord>

/** Writes follow one another, progress at most twice a second. */
export function importRecord(ctx: Context, info: Import.Info) {
  let writing: Promise<void> = Promise.resolve()
  let wroteAt = 0
  const over = new AbortController()
  /** Throws Fault `conflict` if the import has ended meanwhile. */
  const save = async (edited: Partial<Import.Info>) => {
    Object.assign(info, edited)
    const copy = structuredClone(info)
    const hasFiles = edited.files !== undefined
    const write = async () => {
      if (hasFiles) await Files.keep(ctx, copy)
      await ctx.tables.imports.replace(ctx.orgId, Files.recordOf(copy), { status: 'running' })
    }
    // The caller of the earlier write gets its error.
    writing = writing.then(write, write)
    await writing
  }
  return {
    info,
    save,
    /** When a write of progress finds that the import has ended, as by a cancellation. */
    signal: over.signal,
    progress: (progress: Progress) => {
      info.progress = progress
      const now = ctx.now().getTime()
      if (now - wroteAt < progressMs) return
      wroteAt = now
      save({}).catch((error: unknown) => {
        if (isFault(error, 'conflict')) over.abort(error)
        else ctx.log.warn('progress was not recorded', { importId: info.id, error: String(error) })
      })
    },
    end: async (edited: Partial<Import.Info>) => {
      delete info.progress
      await save({ ...edited, endedAt: ctx.now().toISOString() })
      await Usage.end(ctx, info.id, info.status === 'committed')
    },
  }
}
