import { appendFile, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Fault } from '@cloudoptima/core'
import { CommanderError } from 'commander'
import { createProgram } from './program.ts'

const ours = 1

/** Runs the command line and answers its exit code. A fault is one sentence on stderr; its details go to the log of the data folder. */
export async function run(args: readonly string[]): Promise<number> {
  let code = 0
  const program = createProgram((result) => (code = result))
  for (const command of [program, ...program.commands]) command.exitOverride().showSuggestionAfterError()
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    process.stderr.write(`${await sentence(error, resolve(program.opts<{ data: string }>().data))}\n`)
    return ours
  }
}

/** A fault of the product says itself what to do; anything else is written down where it can be looked at. */
async function sentence(error: unknown, dataDir: string): Promise<string> {
  if (error instanceof Fault) return error.message
  const folder = join(dataDir, 'log')
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error)
  await mkdir(folder, { recursive: true })
  await appendFile(join(folder, 'faults.log'), `${new Date().toISOString()} ${details}\n`)
  return `Something went wrong on our side: ${error instanceof Error ? error.message : String(error)}. Details: ${join(folder, 'faults.log')}`
}
