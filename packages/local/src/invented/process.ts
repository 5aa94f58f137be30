import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CloudsOptions, InventedClouds } from '@cloudoptima/clouds'
import { trustFile, trustFolder } from '@cloudoptima/clouds/trust'
import { makePrivateFolder, readPrivate, writePrivate } from '../keys/private-file.ts'

/** The invented company of a data folder, and the simulated clouds, which run once they are asked for. */
export interface Invented {
  /** Undefined if the folder has no company. */
  company(): Promise<Company | undefined>
  save(company: Company): Promise<void>
  /** Throws if the folder has no company, or the product ends. */
  clouds(): Promise<InventedClouds>
  /** Lets the customer's role trust an external id of the product, for ever. */
  trust(roleArn: string, externalId: string): Promise<void>
  close(): Promise<void>
}

export interface Company {
  /** The day of the first start, which decides what the company has. */
  today: string
  /** Its accounts were connected. A person may have disconnected some since. */
  isConnected: boolean
  /** Of its bills; tests have smaller ones. */
  size?: Required<Pick<CloudsOptions, 'rows' | 'months'>>
}

const entry = fileURLToPath(import.meta.resolve('@cloudoptima/clouds/main'))

export function inventedIn(dataDir: string): Invented {
  const dir = join(dataDir, 'clouds')
  const file = join(dir, 'company.json')
  let child: ChildProcess | undefined
  let started: Promise<InventedClouds> | undefined
  const trusted = new Set<string>()
  let isClosed = false

  async function company() {
    const text = await readPrivate(file)
    return text === undefined ? undefined : (JSON.parse(text) as Company)
  }

  async function start(): Promise<InventedClouds> {
    const known = await company()
    if (!known || isClosed) throw new Error(known ? 'The product ends.' : `${dir} has no invented company.`)
    const options: CloudsOptions = { dir, today: known.today, ...known.size }
    child = fork(entry, [JSON.stringify(options)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const ended = once(child, 'exit').then(([code]) => {
      started = undefined
      throw new Error(`The simulated clouds ended with code ${String(code)}.`)
    })
    // It may end long after it was asked.
    ended.catch(() => undefined)
    const [ready] = (await Promise.race([once(child, 'message'), ended])) as [InventedClouds]
    for (const handle of [child, child.channel]) handle?.unref()
    return ready
  }

  return {
    company,
    async save(changed) {
      await makePrivateFolder(dir)
      await writePrivate(file, JSON.stringify(changed))
    },
    clouds() {
      started ??= start().catch((error: unknown) => {
        started = undefined
        throw error
      })
      return started
    },
    async trust(roleArn, externalId) {
      const path = trustFile(dir, roleArn, externalId)
      if (trusted.has(path)) return
      await makePrivateFolder(trustFolder(dir))
      await writePrivate(path, '')
      trusted.add(path)
    },
    async close() {
      isClosed = true
      if (child?.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      // Otherwise the process may end before it has closed everything.
      child.ref()
      child.kill('SIGKILL')
      await ended
    },
  }
}
