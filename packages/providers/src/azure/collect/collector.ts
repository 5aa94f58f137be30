import type { AccessOptions } from '../../access/options.ts'
import type { AccessTo, Collector } from '../../access/verdict.ts'
import { bills } from './bills.ts'
import { azureCalls, type Calls } from './calls.ts'
import { inventory } from './inventory.ts'
import { preliminary } from './preliminary.ts'
import { prices } from './prices.ts'
import { utilization } from './utilization.ts'

/** What is collected from a subscription. */
export function azureCollector(options: AccessOptions): Collector<'azure'> {
  const collect = <Rest extends unknown[], T>(work: (calls: Calls, ...rest: Rest) => AsyncIterable<T>) =>
    async function* (access: AccessTo<'azure'>, ...rest: Rest) {
      yield* work(await azureCalls(options, access), ...rest)
    }
  return {
    bills: collect(bills),
    preliminary: collect(preliminary),
    inventory: collect(inventory),
    utilization: collect(utilization),
    prices: (access, asked) => prices(options, access, asked),
  }
}
