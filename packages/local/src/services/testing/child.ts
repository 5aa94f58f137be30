import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** Runs a script of this folder as a child process and passes on each line of its output. */
export function run(script: string, args: string[], onLine: (line: string) => void): ChildProcess {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, script), ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  createInterface({ input: child.stdout }).on('line', onLine)
  return child
}

/**
 * Kills the child without giving it a chance to react, like a power failure. Its output has been passed on when this
 * resolves.
 */
export async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}
