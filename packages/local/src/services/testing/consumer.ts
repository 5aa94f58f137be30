import { Actor } from '@cloudoptima/core'
import { createLog, makeContext, noLake } from '@cloudoptima/runtime'
import { boot } from '../boot.ts'
import { bills } from './services.ts'

/**
 * Receives from the queue `work` and prints each id until it is killed; arguments: data folder, receives of the queue.
 */
const [dataDir = '', receives = ''] = process.argv.slice(2)
const run = async ({ requestId }: { requestId: string }) => {
  process.stdout.write(`${requestId}\n`)
  return await new Promise<never>(() => undefined)
}
const { runtime, consume } = await boot({
  dataDir,
  lake: noLake,
  log: createLog({}, (line) => process.stderr.write(line)),
  workflows: () => bills(),
  queues: { work: { concurrency: 2, visibilitySeconds: 600, receives: Number(receives), consumer: { run } } },
})
consume(({ actor, ...given }) => makeContext({ ...given, actor: Actor.system(actor), runtime }))
for (const id of ['a', 'b', 'c']) await runtime.queues.send('work', null, { deduplicationId: id })
process.stdout.write('sent\n')
