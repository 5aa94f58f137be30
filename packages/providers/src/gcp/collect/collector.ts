import type { AccessOptions } from '../../access/options.ts'
import type { AccessTo, Collector } from '../../access/verdict.ts'
import { bills, createLooks } from './bills.ts'
import { type Caller, callerOf } from './calls.ts'
import { inventory } from './inventory.ts'
import { prices } from './prices.ts'
import { utilization } from './utilization.ts'

/** What is collected from a project. */
export function gcpCollector(options: AccessOptions): Collector<'gcp'> {
  async function* signedIn<Result>(
    access: AccessTo<'gcp'>,
    collect: (caller: Caller) => AsyncIterable<Result>,
  ): AsyncGenerator<Result> {
    yield* collect(await callerOf(options, access))
  }
  const looks = createLooks()
  return {
    bills: (access) => signedIn(access, (caller) => bills(caller, looks)),
    // The export is prompt, and Google has no query API for costs.
    preliminary: async function* () {},
    inventory: (access) => signedIn(access, inventory),
    utilization: (access, asked) => signedIn(access, (caller) => utilization(caller, asked)),
    prices: (access, asked) => signedIn(access, (caller) => prices(caller, asked)),
  }
}
