import { createLog, noLake } from '@cloudoptima/runtime'
import { boot } from '../boot.ts'
import { bills } from './services.ts'

/** Starts an execution whose first state ends and whose second never does, says so, and waits to be killed. Arguments: data folder, name. */
const [dataDir = '', name = ''] = process.argv.slice(2)
const steps = {
  Normalize: () => Promise.resolve({ outcome: 'committed', by: process.pid }),
  Announce: async () => {
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
