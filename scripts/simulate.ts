// Simulates the collection of bills under faults: `npm run simulate [-- SEEDS [FIRST-SEED]]`, 300 seeds by default.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const test = 'packages/core/src/collect/simulation.test.ts'
const [seeds = 300, first = 1] = process.argv.slice(2).map(Number)

if (!Number.isInteger(seeds) || seeds < 1 || !Number.isInteger(first)) {
  process.stderr.write('Use: npm run simulate [-- SEEDS [FIRST-SEED]], such as npm run simulate -- 1 17\n')
  process.exit(2)
}

/** Each processor simulates a range of seeds. */
async function simulate(from: number, count: number): Promise<number> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const variables = { SIMULATION_FIRST: String(from), SIMULATION_SEEDS: String(count) }
  const child = spawn(process.execPath, [vitest, 'run', test], {
    cwd: root,
    env: { ...process.env, ...variables },
    stdio: 'inherit',
  })
  return await new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)))
}

const began = performance.now()
const lanes = Math.min(availableParallelism(), seeds)
const size = Math.ceil(seeds / lanes)
const ranges = Array.from({ length: lanes }, (_, n) => [first + n * size, Math.min(size, seeds - n * size)] as const)
const codes = await Promise.all(ranges.filter(([, count]) => count > 0).map(([from, count]) => simulate(from, count)))
const failed = codes.some((code) => code !== 0)
const seconds = Math.round((performance.now() - began) / 1000)
process.stdout.write(
  `${seeds} seeds from ${first} on in ${seconds} s: ${failed ? 'the failing seed stands above; npm run simulate -- 1 SEED replays it' : 'every lake equals the invoice'}\n`,
)
process.exitCode = failed ? 1 : 0
