import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Context } from '../../effects/context.ts'
import type { NormalizedPartition, SourceFile } from '../../effects/lake.ts'
import { Fault } from '../../kernel/fault.ts'
import * as Raw from '../../bills/raw.ts'
import * as Snapshot from '../../lake/snapshot.ts'
import type { ImportRecord } from './import-record.ts'

/** Records their hashes. Throws Fault `invalid` for an unexpected file. */
export async function download(ctx: Context, record: ImportRecord, workDir: string): Promise<SourceFile[]> {
  const { info } = record
  const importId = info.rebuildOf ?? info.id
  const sources: SourceFile[] = []
  for (const [index, file] of info.files.entries()) {
    // The owner's file name may be any text, so it never becomes a path.
    const path = join(workDir, `raw-${index}`)
    const { sha256, isRegular } = await Raw.fetch(ctx, { importId, file: index }, file, path, (done) =>
      record.progress({ phase: 'read', percent: (100 * (index + done / (file.bytes + 1))) / info.files.length }),
    )
    if (file.sha256 && file.sha256 !== sha256) {
      const message = `${file.name} is not the file that was created with the import: its sha256 is ${sha256}. Upload it again.`
      throw new Fault('invalid', message, [{ path: file.name, message: 'sha256 differs' }])
    }
    record.info.files[index] = { ...file, sha256 }
    sources.push({ name: file.name, path, isRegular })
  }
  return sources
}

/** Each attempt has its own keys: no file changes while a reader reads it. */
export async function upload(
  ctx: Context,
  record: ImportRecord,
  partitions: readonly NormalizedPartition[],
): Promise<Snapshot.Candidate[]> {
  const attempt = randomUUID().slice(0, 8)
  const candidates: Snapshot.Candidate[] = []
  for (const [index, partition] of partitions.entries()) {
    const { origin } = record.info
    const facts = { ...partition, kind: 'bill' as const, ...(origin && { origin }) }
    const folder = `lake/${Snapshot.keyOf(facts)}/${record.info.id}-${attempt}`
    const put = async (dataset: 'costs' | 'cost_rollup'): Promise<string[]> => {
      const keys: string[] = []
      for (const [i, path] of partition.files[dataset].entries()) {
        const key = `${folder}/${dataset}-${i}.parquet`
        await ctx.runtime.blobs.putFile(ctx.orgId, key, path)
        keys.push(key)
      }
      return keys
    }
    const files = { costs: await put('costs'), cost_rollup: await put('cost_rollup') }
    candidates.push({ ...facts, files })
    record.progress({ phase: 'commit', percent: (100 * (index + 1)) / partitions.length })
  }
  return candidates
}
