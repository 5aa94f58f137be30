import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Problem } from './faults/check.ts'
import type { Effect } from './faults/effects.ts'
import { prepareTemplate, type Template } from './faults/template.ts'
import { type Kill, type Run, trial } from './faults/trial.ts'

// `npm run faults` sets FAULTS=all: all effects and 200 instants. The default is a sample of less than a minute.
const isFull = process.env.FAULTS === 'all'
const instants = isFull ? 200 : 6
const stride = isFull ? 1 : 18
const seed = Number(process.env.FAULTS_SEED ?? Date.now() % 1_000_000)
/** In one of this many trials the restarted process is killed too. */
const secondKillEvery = 5
const atOnce = Math.min(2, availableParallelism())
const timeout = isFull ? 30 * 60_000 : 5 * 60_000

let template: Template
let unkilled: { effects: Effect[]; livedMs: number }
const found: { at: string; problem: Problem }[] = []

beforeAll(async () => {
  template = await prepareTemplate(await mkdtemp(join(tmpdir(), 'cloudoptima-faults-')))
  // The first trial fills Node's compile cache, so that the second one measures a typical run.
  await judged('first')
  const { runs } = await judged('unkilled')
  const [run] = runs
  if (!run?.effects) throw new Error('The importing process ended without its list of effects')
  unkilled = { effects: run.effects, livedMs: run.livedMs }
}, timeout)
afterAll(async () => await rm(template.folder, { recursive: true, force: true }))

it('an import without a kill has no problems', () => {
  expect(found).toEqual([])
  expect(unkilled.effects.filter(isMove)).toHaveLength(1)
})

it(
  'an import killed before or after any effect is visible as a whole or not at all, and completes after a restart',
  { timeout },
  async () => {
    const { effects } = unkilled
    const boundaries = effects.filter((effect, i) => i % stride === 0 || isMove(effect))
    const killedAt = new Set<string>()
    await inPairs(
      boundaries.flatMap((effect) => (['before', 'after'] as const).map((moment) => ({ ...effect, moment }))),
      async (at) => {
        const { runs } = await judged(`${at.moment} ${at.name} ${at.nth}`, { at })
        for (const run of runs) if (run.killedAt) killedAt.add(run.killedAt)
      },
    )
    report(`${boundaries.length} of ${effects.length} boundaries x before/after`)
    expect(found).toEqual([])
    // The clock decides how often a running import stores its progress, so these effects vary between runs.
    const names = boundaries.map(({ name }) => name).filter((name) => isFull || name !== 'imports.replace running')
    expect([...killedAt]).toEqual(expect.arrayContaining(names.flatMap((name) => [`before ${name}`, `after ${name}`])))
  },
)

it('an import killed at a random instant is visible as a whole or not at all, and completes', { timeout }, async () => {
  const random = uniform(seed)
  let kills = 0
  let missed = 0
  let trials = 0
  const next = async (): Promise<void> => {
    while (kills < instants && missed < instants) {
      const number = ++trials
      const afterMs = random() * unkilled.livedMs
      const again = number % secondKillEvery === 0 ? { againAfterMs: random() * unkilled.livedMs } : {}
      const { runs } = await judged(`instant-${number}`, { afterMs, ...again })
      kills += runs.filter(({ killed }) => killed).length
      missed += runs.filter(({ killed }) => !killed).length
    }
  }
  await Promise.all(Array.from({ length: atOnce }, next))
  report(`${kills} instants (seed ${seed}, ${missed} kills came too late)`)
  expect(found).toEqual([])
  expect(kills).toBeGreaterThanOrEqual(instants)
})

/** Whether the effect is the commit. */
function isMove({ name }: Effect): boolean {
  return name === 'heads.replace'
}

async function judged(name: string, kill?: Kill): Promise<{ runs: Run[]; problems: Problem[] }> {
  const outcome = await trial(template, name, kill)
  found.push(...outcome.problems.map((problem) => ({ at: `${name} ${JSON.stringify(kill)}`, problem })))
  return outcome
}

async function inPairs<Item>(items: Item[], use: (item: Item) => Promise<void>): Promise<void> {
  const rest = items.values()
  const worker = async (): Promise<void> => {
    for (const item of rest) await use(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

function report(label: string): void {
  const count = (kind: Problem['kind']): string =>
    `${found.filter(({ problem }) => problem.kind === kind).length} ${kind}`
  process.stdout.write(
    `${label}: ${(['lost', 'double', 'half-visible', 'not published', 'left behind'] as const).map(count).join(', ')}\n`,
  )
}

/** Pseudo-random numbers in [0, 1) from a seed (mulberry32). */
function uniform(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
