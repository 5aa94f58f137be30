import { Actor, Snapshot } from '@cloudoptima/core'
import { createLog, makeContext, noLake } from '@cloudoptima/runtime'
import { boot } from '../boot.ts'
import { bills } from './services.ts'

/** Attaches to a data folder, moves the head of a lake for each line of its input, and prints the new version. */
const [dataDir = '', orgId = ''] = process.argv.slice(2)
const log = createLog({}, (line) => process.stderr.write(line))
const { runtime, attached } = await boot({ dataDir, lake: noLake, log, workflows: () => bills() })
if (!attached) throw new Error('No other process holds the data folder')
const ctx = makeContext({ orgId, actor: Actor.system('test'), runtime, log })
for await (const _ of process.stdin) {
  await Snapshot.advanceHead(ctx, () => Promise.resolve({}))
  process.stdout.write(`${(await Snapshot.head(ctx)).version}\n`)
}
