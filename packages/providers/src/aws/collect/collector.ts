import type { AccessOptions } from '../../access/options.ts'
import type { AccessTo, Collector } from '../../access/verdict.ts'
import { bills } from './bills.ts'
import { inventory } from './inventory.ts'
import { preliminary } from './preliminary.ts'
import { prices } from './prices.ts'
import { openReader, type Reader } from './reader.ts'
import { createSessions } from './sessions.ts'
import { utilization } from './utilization.ts'

/** What is collected from an account. */
export function awsCollector(options: AccessOptions): Collector<'aws'> {
  const sessions = createSessions(options)
  const read = <Rest extends unknown[], Value>(collect: (reader: Reader, ...rest: Rest) => AsyncIterable<Value>) =>
    async function* (access: AccessTo<'aws'>, ...rest: Rest): AsyncGenerator<Value> {
      yield* collect(await openReader(options, sessions, access), ...rest)
    }
  return {
    bills: read(bills),
    preliminary: read(preliminary),
    inventory: read(inventory),
    utilization: read(utilization),
    prices: (access, asked) => prices(options, access, asked),
  }
}
