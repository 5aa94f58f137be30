import type { Context } from '../effects/context.ts'
import * as Id from '../kernel/id.ts'
import type * as Import from './import.ts'
import * as Files from './import-files.ts'
import * as Raw from './raw.ts'
import * as Tally from './tally.ts'
import * as Snapshot from '../lake/snapshot.ts'

/** To be run in order: the deliveries that are current in a partition, or all if the pointers are lost. */
export async function all(ctx: Context): Promise<Import.Info[]> {
  const manifests = await Raw.manifests(ctx)
  const pointers = (await Snapshot.pointers(ctx)).filter(({ kind }) => kind === 'bill')
  const current = new Set(pointers.map(({ raw }) => raw))
  const isReplay = pointers.length === 0
  const wanted = isReplay ? manifests : manifests.filter(({ importId }) => current.has(importId))
  const imports: Import.Info[] = []
  for (const { importId, files, origin } of wanted) {
    const info: Import.Info = {
      id: Id.create('imp', ctx.now()),
      status: 'uploading',
      createdAt: ctx.now().toISOString(),
      replace: true,
      rebuildOf: importId,
      isReplay,
      files,
      ...(origin && { origin }),
    }
    await Files.keep(ctx, info)
    await ctx.tables.imports.insert(ctx.orgId, Files.recordOf(info))
    await Tally.add(ctx, 1)
    imports.push(info)
  }
  return imports
}
