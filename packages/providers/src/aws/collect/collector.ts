import { Fault } from '@cloudoptima/core'
import type { AccessOptions } from '../../access/options.ts'
import type { ProviderOf } from '../../access/verdict.ts'

/** What is collected from an account. */
export function awsCollector(_: AccessOptions): Omit<ProviderOf<'aws'>, 'verify'> {
  const missing = () => {
    throw new Fault('unavailable', 'This cloud is not collected yet.')
  }
  return { bills: missing, preliminary: missing, inventory: missing, utilization: missing }
}
