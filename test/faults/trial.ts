import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openWorld, type World } from '../world.ts'
import type { Line, Task } from './child.ts'
import type { Effect, Moment } from './effects.ts'
import { checkRecovered, type Problem } from './check.ts'
import { eventRecorder } from './recover.ts'
import { difference, isEqual, readContent } from './content.ts'
import type { Template } from './template.ts'

/** When to kill: at an effect, or after a time; `againAfterMs` kills the restarted process too. */
export type Kill = { at: NonNullable<Task['at']> } | { afterMs: number; againAfterMs?: number }

/** The outcome of one importing process. */
export interface Run {
  killed: boolean
  /** The effect at which the process killed itself. */
  killedAt?: string
  /** All effects, if the process was not killed. */
  effects?: Effect[]
  /** Progress of the commit of version 2. */
  head?: Moment
  livedMs: number
}

/** Imports version 2 into a copy of the template, kills the process, and checks the lake before and after a resume. */
export async function trial(
  template: Template,
  name: string,
  kill?: Kill,
): Promise<{ runs: Run[]; problems: Problem[] }> {
  const folder = join(template.folder, name)
  const task: Task = { dataDir: join(folder, 'data'), eventLogPath: join(folder, 'events'), paths: template.paths }
  await mkdir(folder)
  await writeFile(task.eventLogPath, '')
  await cp(join(template.folder, 'template'), task.dataDir, { recursive: true })
  const problems: Problem[] = []
  const runs = [
    await run(
      template,
      kill && 'at' in kill ? { ...task, at: kill.at } : task,
      kill && 'afterMs' in kill ? kill.afterMs : undefined,
    ),
  ]
  if (kill && 'againAfterMs' in kill) {
    problems.push(...(await inWorld(task, [async (world) => await checkKilled(template, world, runs)])))
    runs.push(await run(template, task, kill.againAfterMs))
  }
  const checks: Check[] = [
    async (world) => await checkKilled(template, world, runs),
    async (world) => await checkRecovered(template, world, task),
  ]
  problems.push(...(await inWorld(task, checks)))
  await rm(folder, { recursive: true, force: true })
  return { runs, problems }
}

type Check = (world: World) => Promise<Problem[]>

/** Restarts on the data of the killed process and runs the checks. An error counts as lost data. */
async function inWorld({ dataDir, eventLogPath }: Task, checks: Check[]): Promise<Problem[]> {
  const problems: Problem[] = []
  const errors: string[] = []
  const note = (message: string, fields?: Record<string, unknown>) =>
    void errors.push(`${message} ${JSON.stringify(fields)}`)
  let world: World | undefined
  try {
    world = await openWorld({
      dataDir,
      onEvent: eventRecorder(eventLogPath),
      log: { info: () => undefined, warn: note, error: note },
    })
    for (const check of checks) problems.push(...(await check(world)))
  } catch (error) {
    problems.push({ kind: 'lost', detail: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
  await world?.end()
  return problems.map(({ kind, detail }) => ({ kind, detail: [detail, ...errors].join('; logged: ') }))
}

/** Before the resume exactly one version must be visible: the new one if the commit was confirmed. */
async function checkKilled({ expected }: Template, world: World, runs: Run[]): Promise<Problem[]> {
  const content = await readContent(world)
  const heads = runs.flatMap(({ head }) => (head ? [head] : []))
  if (heads.includes('after'))
    return isEqual(content, expected[2])
      ? []
      : [{ kind: 'lost', detail: `after the commit: ${difference(content, expected[2])}` }]
  if (heads.length === 0)
    return isEqual(content, expected[1])
      ? []
      : [{ kind: 'half-visible', detail: `before the commit: ${difference(content, expected[1])}` }]
  return isEqual(content, expected[1]) || isEqual(content, expected[2])
    ? []
    : [{ kind: 'half-visible', detail: difference(content, expected[1]) }]
}

async function run({ folder }: Template, task: Task, afterMs: number | undefined): Promise<Run> {
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
    throw new Error(`The importing process failed with ${code ?? signal}; see stderr`)
  return signal
}
