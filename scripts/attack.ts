import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Run, runs, settings, stricterThanSchema } from './attack/runs.ts'
import { startTarget, type Target } from './attack/target.ts'
import { hasPython, pythonTool } from './python.ts'

// Tests a real server with Schemathesis, from its OpenAPI document. The tests in test/attack call the app in-process.
// `npm run attack [SEED [FACTOR]]`: without a seed each change meets the same requests. To look for new failures, give
// another seed, and a factor for the time of each run.

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const version = '4.32.5'
const [seed = '1', factor = '1'] = process.argv.slice(2)

async function main(): Promise<number> {
  if (!hasPython()) {
    const isRequired = Boolean(process.env['CI'])
    say(`${isRequired ? 'The attack cannot run' : 'Attack skipped'}: this machine lacks python3 with venv.`)
    return isRequired ? 1 : 0
  }
  const began = performance.now()
  const bin = pythonTool(root, 'schemathesis', version, {
    requirements: join(root, 'scripts', 'attack', 'requirements.txt'),
  })
  const folder = await mkdtemp(join(tmpdir(), 'cloudoptima-attack-'))
  const target = await startTarget(join(folder, 'data'))
  let failed = 0
  try {
    await writeFile(join(folder, 'schemathesis.toml'), settings())
    const exceptions = [...stricterThanSchema().keys()].join(', ')
    say(`May refuse input that their schema allows (reasons in scripts/attack/runs.ts): ${exceptions}`)
    for (const run of runs) if (!(await passes(target, run, bin, folder))) failed++
    failed += await countErrors(join(folder, 'data', 'log', 'cloudoptima.log'))
  } finally {
    await target.close()
    await rm(folder, { recursive: true, force: true })
  }
  say(`\nattack: ${runs.length} runs, ${failed} failed, in ${((performance.now() - began) / 1000).toFixed(0)} s`)
  return failed > 0 ? 1 : 0
}

async function passes(
  target: Target,
  { name, why, only, seconds }: Run,
  bin: string,
  folder: string,
): Promise<boolean> {
  say(`\n=== ${name}: ${why}`)
  const separate = runs.flatMap((run) => run.only ?? [])
  const chosen = only
    ? only.map((id) => `--include-operation-id=${id}`)
    : separate.map((id) => `--exclude-operation-id=${id}`)
  const token = await target.admin(name)
  const args = [
    'run',
    `${target.url}/v1/openapi.json`,
    `--url=${target.url}`,
    `--header=Authorization: Bearer ${token}`,
    '--phases=examples,coverage,fuzzing,stateful',
    `--max-time=${seconds * Number(factor)}`,
    `--seed=${seed}`,
    '--continue-on-failure',
    // With several workers CPython 3.11 crashes while Hypothesis parses lambdas.
    '--workers=1',
    '--generation-database=none',
    '--warnings=off',
    '--no-color',
    ...chosen,
  ]
  // Schemathesis reads schemathesis.toml from the current folder.
  return (await exitCodeOf(join(bin, 'schemathesis'), args, folder)) === 0
}

function exitCodeOf(command: string, args: readonly string[], cwd: string): Promise<number> {
  const env = {
    ...process.env,
    SCHEMATHESIS_HOOKS: 'hooks',
    PYTHONPATH: join(root, 'scripts', 'attack'),
    PYTHONDONTWRITEBYTECODE: '1',
  }
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? 1))
  })
}

/** Counts and prints the errors in the server's log. */
async function countErrors(log: string): Promise<number> {
  const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line.startsWith('{"level":"error"'))
  for (const line of lines.slice(0, 20)) say(`FAIL  the server logged ${line}`)
  return lines.length
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

process.exitCode = await main()
