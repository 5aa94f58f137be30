import { appendFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Fault, messageOf } from '@cloudoptima/core'
import { CommanderError } from 'commander'
import { makePrivateFolder } from '../keys/private-file.ts'
import { note } from './output.ts'
import { createProgram } from './program.ts'

const ours = 1

export async function run(args: readonly string[]): Promise<number> {
  let code = 0
  const program = createProgram((result) => (code = result))
  const commands = program.commands.flatMap((command) => [command, ...command.commands])
  for (const command of [program, ...commands]) command.exitOverride().showSuggestionAfterError()
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    note(await sentence(error, resolve(program.opts<{ data: string }>().data)))
    return ours
  }
}

async function sentence(error: unknown, dataDir: string) {
  if (error instanceof Fault) return error.message
  const what = `Internal error: ${messageOf(error).replace(/\.+$/, '')}.`
  const file = join(dataDir, 'log', 'faults.log')
  try {
    await makePrivateFolder(dirname(file))
    await appendFile(
      file,
      `${new Date().toISOString()} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
    return `${what} Details: ${file}`
  } catch (unwritable) {
    return `${what} The details cannot be logged: ${messageOf(unwritable).replace(/\.+$/, '')}.`
  }
}
