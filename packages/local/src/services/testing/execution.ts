import { setTimeout } from 'node:timers/promises'
import { createLog, noLake } from '@cloudoptima/runtime'
import { boot } from '../boot.ts'
import { bills } from './services.ts'

/** Starts an execution whose step `Track` never ends, says so, and waits to be killed. Arguments: data folder, name. */
const [dataDir = '', name = ''] = process.argv.slice(2)
const steps = {
  Normalize: () => Promise.resolve({ outcome: 'committed', by: process.pid }),
  Track: async () => {
    const isDone = async (state: string) =>
      (await services.runtime.tables.executionSteps.all('machine')).some(
        ({ id, status }) => id.includes(state) && status === 'done',
      )
    while (!(await isDone('Detect')) || !(await isDone('Recommend'))) await setTimeout(10)
    process.stdout.write(`${process.pid}\n`)
    return await new Promise<never>(() => undefined)
  },
}
const services = await boot({
  dataDir,
  lake: noLake,
  log: createLog({}, (line) => process.stderr.write(line)),
  workflows: () => bills(steps),
})
await services.runtime.workflows.start('bills', name, { orgId: 'org', importId: name })
