import { createLog, noLake } from '@cloudoptima/runtime'
import { boot } from '../boot.ts'
import { item, pattern, bills } from './services.ts'

/**
 * Writes until it is killed and prints one JSON line per acknowledged write: an item, an object and a new version of
 * the object `same`. Arguments: data folder, first number.
 */
const [dataDir = '', first = '0'] = process.argv.slice(2)
const orgId = 'org'
const services = await boot({
  dataDir,
  lake: noLake,
  log: createLog({}, (line) => process.stderr.write(line)),
  workflows: () => bills(),
})
const acknowledge = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
acknowledge({ ready: services.attached ? 'attached' : 'holds' })

for (let n = Number(first); ; n++) {
  const bytes = (n * 7919) % 100_000
  await Promise.all([
    services.runtime.tables.executions.insert(orgId, item(`item-${n}`, n)).then(() => acknowledge({ item: n })),
    services.runtime.blobs.put(orgId, `object-${n}`, pattern(n, bytes)).then(() => acknowledge({ object: n, bytes })),
    services.runtime.blobs.put(orgId, 'same', pattern(n, 60_000 + n)).then(() => acknowledge({ same: n })),
  ])
}
