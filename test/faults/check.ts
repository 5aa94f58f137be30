import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Import, Snapshot } from '@cloudoptima/core'
import type { World } from '../world.ts'
import { partitionCount } from './bill.ts'
import type { Task } from './child.ts'
import { imports, recover } from './recover.ts'
import { difference, isEqual, readContent } from './content.ts'
import type { Template } from './template.ts'

/** A broken promise. `left behind`: an object, record or file that nothing uses any more. */
export interface Problem {
  kind: 'lost' | 'double' | 'half-visible' | 'not published' | 'left behind'
  detail: string
}

/** Resumes after the kill, imports the same files again, and returns every difference to a run without a kill. */
export async function checkRecovered(template: Template, world: World, task: Task): Promise<Problem[]> {
  const problems: Problem[] = []
  const must = (holds: boolean, kind: Problem['kind'], detail: string): void =>
    void (holds || problems.push({ kind, detail }))

  await recover(world)
  const landed = (await imports(world, 'committed')).length === 2
  const resumed = await readContent(world)
  const visible = template.expected[landed ? 2 : 1]
  must(isEqual(resumed, visible), landed ? 'lost' : 'half-visible', `after the resume: ${difference(resumed, visible)}`)

  const again = await world.bring(task.paths)
  must(
    again.status === (landed ? 'unchanged' : 'committed'),
    'double',
    `the second import is ${again.status}: ${again.reason}`,
  )
  const content = await readContent(world)
  must(
    isEqual(content, template.expected[2]),
    'lost',
    `after the second import: ${difference(content, template.expected[2])}`,
  )
  const past = await readContent(world, template.between)
  must(isEqual(past, template.expected[1]), 'lost', `the replaced version 1: ${difference(past, template.expected[1])}`)
  const head = await Snapshot.head(world.ctx)
  must(head.version === 2, 'double', `the lake has version ${head.version}`)

  const events = new Set((await readFile(task.eventLogPath, 'utf8')).split('\n'))
  for (const { id } of (await imports(world, 'committed')).filter(({ lakeVersion }) => lakeVersion === 2)) {
    must(events.has(`cost.landed/${id}/2`), 'not published', id)
  }
  const left = await leftovers(world)
  must(left.length === 0, 'left behind', `${left.length}: ${left.slice(0, 3).join(', ')}`)
  return problems
}

/** Records, objects and files, a day later, that two imports without a kill would not leave. */
async function leftovers(world: World): Promise<string[]> {
  const { ctx, dataDir } = world
  await Import.sweep({ ...ctx, now: () => new Date(Date.now() + 25 * 3_600_000) })
  const open = await imports(world, 'uploading', 'running', 'failed')
  const executions = (await ctx.runtime.tables.executions.all('machine')).filter(({ status }) => status !== 'succeeded')
  const history = await ctx.runtime.tables.snapshots.all(ctx.orgId)
  const committed = new Set((await imports(world, 'committed')).map(({ id }) => id))
  const parquet = new Set(history.flatMap(Snapshot.allFiles))
  const objects = (await ctx.runtime.blobs.list(ctx.orgId, '')).map(({ key }) => key)
  const stray = objects.filter((key) =>
    key.startsWith('raw/') ? !committed.has(key.split('/')[1] ?? '') : !parquet.has(key),
  )
  const partial = (await readdir(join(dataDir, 's3'), { recursive: true })).filter(
    (name) => name.endsWith('.tmp') || dirname(name) === '_multipart',
  )
  const work = await readdir(join(dataDir, 'work'))
  return [
    ...open.map(({ id, status }) => `import ${id} ${status}`),
    ...executions.map(({ id, status }) => `execution ${id} ${status}`),
    ...(history.length === 2 * partitionCount ? [] : [`${history.length} versions of ${partitionCount} partitions`]),
    ...stray,
    ...partial,
    ...work.map((name) => `the work folder ${name}`),
  ]
}
