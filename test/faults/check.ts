import { access, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Import, Snapshot } from '@cloudoptima/core'
import type { World } from '../world.ts'
import { partitionCount } from './bill.ts'
import type { Task } from './child.ts'
import { imports, recover } from './recover.ts'
import { difference, isWhole, look } from './seen.ts'
import type { Stage } from './stage.ts'

/** What must not be. `left behind`: something stays that nobody will ever use. */
export interface Problem {
  kind: 'lost' | 'double' | 'half-visible' | 'not announced' | 'left behind'
  what: string
}

/** Goes on where the kill cut off, imports again, and tells everything that is not as if there had been no kill. */
export async function checkRecovered(stage: Stage, world: World, task: Task): Promise<Problem[]> {
  const problems: Problem[] = []
  const must = (holds: boolean, kind: Problem['kind'], what: string): void =>
    void (holds || problems.push({ kind, what }))

  await recover(world)
  const landed = (await imports(world, 'committed')).length === 2
  const resumed = await look(world)
  const visible = stage.expected[landed ? 2 : 1]
  must(
    isWhole(resumed, visible),
    landed ? 'lost' : 'half-visible',
    `when what was cut off had ended: ${difference(resumed, visible)}`,
  )

  const again = await world.bring(task.paths)
  must(
    again.status === (landed ? 'unchanged' : 'committed'),
    'double',
    `imported again, it is ${again.status}: ${again.reason}`,
  )
  const seen = await look(world)
  must(isWhole(seen, stage.expected[2]), 'lost', `imported again: ${difference(seen, stage.expected[2])}`)
  const past = await look(world, stage.between)
  must(
    isWhole(past, stage.expected[1]),
    'lost',
    `version 1, which was replaced: ${difference(past, stage.expected[1])}`,
  )
  const head = await Snapshot.head(world.ctx)
  must(head.version === 2, 'double', `the lake has version ${head.version}`)

  const heard = new Set((await readFile(task.heardPath, 'utf8')).split('\n'))
  for (const { id } of (await imports(world, 'committed')).filter(({ lakeVersion }) => lakeVersion === 2)) {
    must(heard.has(`cost.landed/${id}`), 'not announced', id)
  }
  const left = await leftovers(world)
  must(left.length === 0, 'left behind', `${left.length}: ${left.slice(0, 3).join(', ')}`)
  return problems
}

/** Whatever is there a day later that two imports without a kill would not have left. */
async function leftovers(world: World): Promise<string[]> {
  const { ctx, dataDir } = world
  const everyone = await Import.list(ctx)
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
  const halves = (await readdir(join(dataDir, 's3'), { recursive: true })).filter(
    (name) => name.endsWith('.tmp') || dirname(name) === '_multipart',
  )
  const scratch = await Promise.all(everyone.map(async ({ id }) => await isThere(join(tmpdir(), 'cloudoptima', id))))
  return [
    ...open.map(({ id, status }) => `import ${id} ${status}`),
    ...executions.map(({ id, status }) => `execution ${id} ${status}`),
    ...(history.length === 2 * partitionCount ? [] : [`${history.length} versions of ${partitionCount} partitions`]),
    ...stray,
    ...halves,
    ...everyone.filter((_, i) => scratch[i]).map(({ id }) => `the work folder of ${id}`),
  ]
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
