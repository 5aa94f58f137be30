import { Fault, Rebuild, Snapshot } from '@cloudoptima/core'
import { runImport } from '../deliver.ts'
import { withProduct, type CommonOptions } from '../options.ts'
import { print, printJson, style, count, heading } from '../output.ts'
import { createReporter } from '../progress.ts'
import { totalsTable } from '../report.ts'
import { totalsOf } from '../totals.ts'

export async function rebuild({ data, json }: CommonOptions): Promise<number> {
  return await withProduct(data, async (product) => {
    const { ctx } = product
    const before = totalsOf(await Snapshot.view(ctx))
    const reporter = createReporter()
    const imports = await Rebuild.all(ctx)
    if (imports.length === 0)
      throw new Fault('not_found', 'There is nothing to rebuild: no bill has been imported into this data folder yet.')
    for (const [index, { id, files }] of imports.entries()) {
      const name = files.length === 1 ? (files[0]?.name ?? '') : `${count(files.length)} files`
      reporter.begin(`Rebuilding delivery ${index + 1} of ${imports.length}: ${name}`)
      const { status, reason } = await runImport(product, id, reporter)
      reporter.end(reason ? `${status}: ${reason}` : status)
      if (status !== 'committed' && status !== 'unchanged') {
        const kept = 'Bills that were not rebuilt are unchanged.'
        throw new Fault('unavailable', `The rebuild stopped: ${reason ?? status}. ${kept}`)
      }
    }
    const view = await Snapshot.view(ctx)
    const after = totalsOf(view)
    // Lost tables leave no earlier totals to compare with.
    const isEqual = before.length === 0 || JSON.stringify(before) === JSON.stringify(after)
    const result = isEqual
      ? style.green('All totals are exactly equal.')
      : style.red('The totals differ: the mapping has changed since these bills were imported.')
    const title = `After, lake version ${view.lakeVersion}`
    if (json) printJson({ equal: isEqual, before, after, lakeVersion: view.lakeVersion })
    else print([heading('Before'), totalsTable(before), heading(title), totalsTable(after), '', result].join('\n'))
    return isEqual ? 0 : 1
  })
}
