import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasPython, pythonTool } from './python.ts'
import { startEmulator, type Emulator } from './rehearsal/emulator.ts'
import { demonstrate, type Demonstration } from './rehearsal/demonstration.ts'
import { costExport } from './rehearsal/export.ts'
import { rehearse, type Outputs } from './rehearsal/story.ts'
import { aged } from '../test/emulators/aged.ts'
import { dataExports } from '../test/emulators/data-exports.ts'
import { dryRuns } from '../test/emulators/dry-runs.ts'
import { type Front, frontOf } from '../test/emulators/front.ts'

// Deploys the product to an emulator of AWS and imports a bill through its API: docs/deployment.md.

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bill = join(root, '..', 'shared', 'data', 'focus-sample', 'focus_sample.csv')
const stage = 'rehearsal'
const additionalRows = join(root, 'test', 'demonstration', 'deployment.ts')

let emulator: Emulator | undefined
let front: Front | undefined
let folder: string | undefined
let deploying: ChildProcess | undefined

async function main(): Promise<number> {
  const needed = {
    Linux: process.platform === 'linux',
    'python3 with venv': hasPython(),
    openssl: spawnSync('openssl', ['version']).status === 0,
    'the FOCUS sample in ../shared/data': existsSync(bill),
  }
  const missing = Object.entries(needed).flatMap(([name, isThere]) => (isThere ? [] : [name]))
  if (missing.length > 0) {
    const isRequired = Boolean(process.env['CI'])
    say(
      `${isRequired ? 'The rehearsal cannot run' : 'Rehearsal skipped'}: this machine lacks ${missing.join(' and ')}.`,
    )
    return isRequired ? 1 : 0
  }
  const began = performance.now()
  const bin = await step('MiniStack in the virtual environment of the project', () =>
    pythonTool(root, 'ministack', '1.5.33'),
  )
  // Outside the repository, so that a function finds only the modules of its bundle.
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-rehearsal-'))
  const at = folder
  const nodeBin = dirname(process.execPath)
  const sdk = join(root, 'packages', 'runtime', 'node_modules')
  const running = await step(
    'MiniStack on a free port of this machine, with TLS and IAM',
    async () => await startEmulator({ bin, folder: at, nodeBin, sdk }),
  )
  emulator = running
  const certificate = await readFile(running.ca)
  const [exports, older] = [dataExports(costExport), aged(60)]
  const opened = await frontOf(
    `https://127.0.0.1:${running.port}`,
    (question) => exports(question) ?? dryRuns(question) ?? older(question),
    certificate,
  )
  front = opened
  running.env['CUSTOMER_ENDPOINT_URL'] = opened.url
  await step('sst deploy --stage rehearsal', async () => await sst('deploy', running))
  const deployed = await outputs()
  await rehearse({ emulator: running, ...deployed, bill: await readFile(bill), step, note })
  await demonstrate({ emulator: running, ...deployed, step })
  await step('sst remove --stage rehearsal', async () => await sst('remove', running))
  say(`The rehearsal passed in ${seconds(began)}.`)
  return 0
}

/** Runs one step, and prints its title and duration. */
async function step<Result>(title: string, run: () => Result | Promise<Result>): Promise<Result> {
  const began = performance.now()
  try {
    const result = await run()
    say(`  ok    ${seconds(began).padStart(6)}  ${title}`)
    return result
  } catch (error) {
    say(`  FAIL  ${seconds(began).padStart(6)}  ${title}`)
    throw error
  }
}

function note(line: string): void {
  say(`                ${line}`)
}

async function sst(command: 'deploy' | 'remove', { env }: Emulator): Promise<void> {
  // SST's script instead of pnpm's wrapper, so that it runs on this Node.
  const child = spawn(
    process.execPath,
    [join(root, 'node_modules', 'sst', 'cli', 'sst.js'), command, '--stage', stage],
    {
      cwd: root,
      env: {
        ...env,
        ADDITIONAL_ROWS: additionalRows,
        PATH: `${join(root, 'node_modules', '.bin')}:${env['PATH'] ?? ''}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  )
  deploying = child
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  deploying = undefined
  if (code !== 0)
    throw new Error(`sst ${command} ended with ${code ?? 'a signal'}:\n${Buffer.concat(output).toString()}`)
}

async function outputs(): Promise<Outputs & Omit<Demonstration, 'emulator' | 'step'>> {
  const file = JSON.parse(await readFile(join(root, '.sst', 'outputs.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >
  const output = (stack: string, name: string): string => {
    const value = file[`${stage}-cloudoptima-${stack}`]?.[name]
    if (!value) throw new Error(`The deployment lacks the output ${name} of ${stack}.`)
    return value
  }
  return {
    apiUrl: output('Api', 'ApiUrl'),
    billsMachineArn: output('Workflows', 'BillsMachineArn'),
    remediationMachineArn: output('Workflows', 'RemediationMachineArn'),
    signingKeysArn: output('Identity', 'SigningKeysArn'),
    rotateKeysName: output('Identity', 'RotateKeysName'),
    setTierName: output('Operator', 'SetTierName'),
    tableName: output('Storage', 'TableName'),
    sweepName: output('Reactions', 'SweepName'),
    relayName: output('Reactions', 'RelayName'),
    busName: output('Events', 'BusName'),
    fanOutArn: output('Workflows', 'DemoFanOutMachineArn'),
  }
}

let stopping: Promise<void> | undefined

/** Ends all processes. The files of a failed rehearsal stay for analysis. */
function stop(keepsFiles: boolean): Promise<void> {
  return (stopping ??= (async () => {
    if (deploying?.pid !== undefined) process.kill(-deploying.pid, 'SIGTERM')
    await front?.close()
    await emulator?.stop()
    if (folder !== undefined && !keepsFiles) await rm(folder, { recursive: true, force: true })
  })())
}

function seconds(began: number): string {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => {
    say(`\nInterrupted: ending what was started.`)
    void stop(false).finally(() => process.exit(code))
  })
}

try {
  process.exitCode = await main()
  await stop(false)
} catch (error) {
  // After a signal the error is only its consequence, and the handler of the signal ends the process.
  if (!stopping) {
    say(`\nThe rehearsal failed: ${error instanceof Error ? error.message : String(error)}`)
    if (emulator)
      say(
        `\nThe emulator's last words (all in ${emulator.log}):\n${(await readFile(emulator.log, 'utf8')).split('\n').slice(-40).join('\n')}`,
      )
    process.exitCode = 1
  }
  await stop(true)
}
