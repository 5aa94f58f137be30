import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CloudsOptions, InventedClouds } from '@cloudoptima/clouds'
import { hasCode } from '@cloudoptima/core'

/** The simulated clouds of the invented company; they run once they are asked for. */
export interface Invented {
  /** Starts the company, or goes on with the one that the folder has. */
  open(today: string): Promise<InventedClouds>
  /** Undefined if the folder has no company. */
  reopen(): Promise<InventedClouds | undefined>
  close(): Promise<void>
}

const entry = fileURLToPath(import.meta.resolve('@cloudoptima/clouds/main'))

export function inventedIn(dataDir: string): Invented {
  const dir = join(dataDir, 'clouds')
  const birthday = join(dir, 'today.txt')
  const closing = new AbortController()
  let clouds: Promise<InventedClouds> | undefined

  async function start(today: string): Promise<InventedClouds> {
    const options: CloudsOptions = { dir, today }
    const child = fork(entry, [JSON.stringify(options)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    closing.signal.addEventListener('abort', () => child.kill())
    const ended = once(child, 'exit').then(([code]) => {
      clouds = undefined
      throw new Error(`The simulated clouds ended with code ${String(code)}`)
    })
    ended.catch(() => undefined)
    const [ready] = (await Promise.race([once(child, 'message'), ended])) as [InventedClouds]
    for (const handle of [child, child.channel]) handle?.unref()
    return ready
  }

  return {
    async open(today) {
      await mkdir(dir, { recursive: true })
      await writeFile(birthday, today, { flag: 'wx' }).catch((error: unknown) => {
        if (!hasCode(error, 'EEXIST')) throw error
      })
      return (clouds ??= start(await readFile(birthday, 'utf8')))
    },
    async reopen() {
      if (clouds) return await clouds
      const today = await readFile(birthday, 'utf8').catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT')) throw error
      })
      return today === undefined ? undefined : await (clouds ??= start(today))
    },
    async close() {
      closing.abort()
    },
  }
}
