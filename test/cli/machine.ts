import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateSample, type Sample } from '@cloudoptima/sample'
import { afterAll, beforeAll, expect } from 'vitest'
import { inventedIn } from '../../packages/local/src/invented/process.ts'
import { ran } from '../../packages/local/src/services/testing/said.ts'

const main = join(import.meta.dirname, '..', '..', 'packages', 'local', 'src', 'main.ts')
export const slow = 120_000
/** A command that is not as far by then is stuck. */
const patienceMs = 100_000

/** The line of `--once --json`. */
export interface Answer {
  imports: {
    file: string
    format: string | null
    rows: number | null
    status: string
    periods: string[]
    reason: string | null
  }[]
  totals: {
    provider: string
    billingAccountId: string
    currency: string
    billed: string
    effective: string
    list: string
    contracted: string
  }[]
  api: string
}

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface Begun {
  child: ChildProcess
  /** What it has printed so far. */
  printed(): string
  /** Waits for the end of the process. */
  ended(): Promise<Ended>
  /** Waits for a text in stdout or stderr; returns stdout. */
  untilOutput(text: string, withinMs?: number): Promise<string>
}

/** Waits, and says what it waited for if that does not come. */
export async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  { withinMs = patienceMs, seen = () => '' }: { withinMs?: number; seen?: () => string } = {},
): Promise<void> {
  const end = performance.now() + withinMs
  while (!(await isTrue())) {
    if (performance.now() > end)
      throw new Error(`After ${withinMs / 1000} s there is still no ${what}. ${seen()}`.trimEnd())
    await new Promise((wake) => setTimeout(wake, 25))
  }
}

/** Starts a command in a process group of its own, as on a terminal. */
export function begin(...args: string[]): Begun {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    env: { ...process.env, NO_COLOR: '1' },
    detached: true,
  })
  const output = { stdout: '', stderr: '' }
  let result: Ended | undefined
  let failure: Error | undefined
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  child.on('error', (error) => (failure = error))
  child.on('close', (code) => (result = { code, ...output }))
  const printed = () => `${output.stdout}${output.stderr}`
  const seen = () => `The command printed: ${printed()}`
  return {
    child,
    printed,
    async ended() {
      await until('end of the command', () => result !== undefined || failure !== undefined, { seen })
      if (!result) throw failure ?? new Error('The command did not start.')
      return result
    },
    async untilOutput(text, withinMs = patienceMs) {
      const has = () => printed().includes(text)
      await until(`output with "${text}"`, () => has() || result !== undefined, { withinMs, seen })
      if (!has()) throw new Error(`The command ended before it printed "${text}". ${seen()}`)
      return output.stdout
    },
  }
}

/** Runs a command in a process of its own. Most tests run it in this process, which is faster: `ran`. */
export const spawned = async (...args: string[]): Promise<Ended> => await begin(...args).ended()

/** Runs `--once --json` with the arguments. */
export async function answer(...args: string[]): Promise<Ended & { answer: Answer }> {
  return answered(await ran('--once', '--json', ...args))
}

export function answered(ended: Ended): Ended & { answer: Answer } {
  expect(ended.stderr).not.toContain('    at ')
  expect(ended.stdout.split('\n')).toHaveLength(2)
  return { ...ended, answer: JSON.parse(ended.stdout) as Answer }
}

/** A start of the folder connects a company with fewer bills than usual. */
export async function smallCompany(data: string): Promise<void> {
  const today = new Date().toISOString().slice(0, 10)
  await inventedIn(data).save({ today, isConnected: false, size: { rows: 6000, months: 2 } })
}

/** The folder of a test file, with a FOCUS 1.2 bill of one month and four accounts. */
export function billFolder() {
  const world = { dir: '', bill: '', sample: {} as Sample }
  let folders = 0
  beforeAll(async () => {
    world.dir = await mkdtemp(join(tmpdir(), 'cli-'))
    const size = { today: '2026-11-01', months: 1, rows: 3000, singleFile: true }
    world.sample = await generateSample({ dir: join(world.dir, 'bill'), ...size })
    world.bill = world.sample.files[0]?.path ?? ''
  })
  afterAll(async () => await rm(world.dir, { recursive: true, force: true }))
  const written = async (name: string, text: string): Promise<string> => {
    const path = join(world.dir, name)
    await writeFile(path, text)
    return path
  }
  return Object.assign(world, {
    written,
    /** A new data folder. */
    async fresh(): Promise<string> {
      const data = join(world.dir, `data-${folders++}`)
      await mkdir(data, { recursive: true })
      return data
    },
    /** A copy of the bill with the first share `keep` of its rows. */
    async shortened(name: string, keep: number): Promise<string> {
      const lines = (await readFile(world.bill, 'utf8')).split('\n')
      return await written(name, `${lines.slice(0, 1 + Math.round((lines.length - 2) * keep)).join('\n')}\n`)
    },
  })
}
