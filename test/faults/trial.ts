import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openWorld, type World } from '../world.ts'
import type { Line, Task } from './child.ts'
import type { Effect, Moment } from './effects.ts'
import { checkRecovered, type Problem } from './check.ts'
import { recorder } from './recover.ts'
import { difference, isWhole, look } from './seen.ts'
import type { Stage } from './stage.ts'

/** Where to kill: at an effect, or some time after the process began its work; `again` kills the restarted process too. */
export type Kill = { at: NonNullable<Task['at']> } | { afterMs: number; againAfterMs?: number }

/** What became of one process. */
export interface Run {
  killed: boolean
  /** The effect that it was killed at, if it was to be killed at one. */
  killedAt?: string
  /** Effects of a process that ended by itself. */
  effects?: Effect[]
  /** How far the one write got that makes version 2 visible. */
  head?: Moment
  livedMs: number
}

/** Imports version 2 into a fresh copy of the lake, kills that, and judges what is left and what becomes of it. */
export async function trial(stage: Stage, name: string, kill?: Kill): Promise<{ runs: Run[]; problems: Problem[] }> {
  const place = join(stage.folder, name)
  const task: Task = { dataDir: join(place, 'data'), heardPath: join(place, 'heard'), paths: stage.paths }
  await mkdir(place)
  await writeFile(task.heardPath, '')
  await cp(join(stage.folder, 'template'), task.dataDir, { recursive: true })
  const problems: Problem[] = []
  const runs = [
    await run(
      stage,
      kill && 'at' in kill ? { ...task, at: kill.at } : task,
      kill && 'afterMs' in kill ? kill.afterMs : undefined,
    ),
  ]
  if (kill && 'againAfterMs' in kill) {
    problems.push(...(await inWorld(task, [async (world) => await checkKilled(stage, world, runs)])))
    runs.push(await run(stage, task, kill.againAfterMs))
  }
  const checks: Check[] = [
    async (world) => await checkKilled(stage, world, runs),
    async (world) => await checkRecovered(stage, world, task),
  ]
  problems.push(...(await inWorld(task, checks)))
  await rm(place, { recursive: true, force: true })
  return { runs, problems }
}

type Check = (world: World) => Promise<Problem[]>

/** Starts again on what the kill left. What then cannot be started, read or finished is as bad as lost. */
async function inWorld({ dataDir, heardPath }: Task, checks: Check[]): Promise<Problem[]> {
  const problems: Problem[] = []
  const errors: string[] = []
  const note = (message: string, fields?: Record<string, unknown>) =>
    void errors.push(`${message} ${JSON.stringify(fields)}`)
  let world: World | undefined
  try {
    world = await openWorld({
      dataDir,
      onEvent: recorder(heardPath),
      log: { info: () => undefined, warn: note, error: note },
    })
    for (const check of checks) problems.push(...(await check(world)))
  } catch (error) {
    problems.push({ kind: 'lost', what: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
  await world?.end()
  return problems.map(({ kind, what }) => ({ kind, what: [what, ...errors].join('; logged: ') }))
}

/** Before anything goes on: one version, whole; and if the write that moves the head was answered, the new one. */
async function checkKilled({ expected }: Stage, world: World, runs: Run[]): Promise<Problem[]> {
  const seen = await look(world)
  const heads = runs.flatMap(({ head }) => (head ? [head] : []))
  if (heads.includes('after'))
    return isWhole(seen, expected[2])
      ? []
      : [{ kind: 'lost', what: `after the head moved: ${difference(seen, expected[2])}` }]
  if (heads.length === 0)
    return isWhole(seen, expected[1])
      ? []
      : [{ kind: 'half-visible', what: `before the head moved: ${difference(seen, expected[1])}` }]
  return isWhole(seen, expected[1]) || isWhole(seen, expected[2])
    ? []
    : [{ kind: 'half-visible', what: difference(seen, expected[1]) }]
}

async function run({ folder }: Stage, task: Task, afterMs: number | undefined): Promise<Run> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'child.ts'), JSON.stringify(task)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') },
    },
  )
  const outcome: Run = { killed: false, livedMs: 0 }
  let began = performance.now()
  let timer: NodeJS.Timeout | undefined
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Line
    if ('begin' in line) {
      began = performance.now()
      if (afterMs !== undefined) timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
    } else if ('head' in line) outcome.head = line.head
    else Object.assign(outcome, line)
  })
  const signal = await ended(child)
  clearTimeout(timer)
  return { ...outcome, killed: signal === 'SIGKILL', livedMs: performance.now() - began }
}

async function ended(child: ChildProcess): Promise<NodeJS.Signals | null> {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  if (code !== 0 && signal !== 'SIGKILL')
    throw new Error(`The importing process ended by itself with ${code ?? signal}`)
  return signal
}
