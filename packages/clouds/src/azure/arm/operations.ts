import type { Operations } from '../operation.ts'
import { addressOperations } from './addresses.ts'
import { diskOperations } from './disks.ts'
import { machineOperations } from './machines.ts'
import { planOperations } from './plans.ts'
import { tagging } from '../tagging.ts'
import { operationStatus } from './requests.ts'

const statusOf = (provider: string, kind = 'operations'): Operations => ({
  [`${provider}/locations/${kind}/read`]: [
    `/subscriptions/{subscription}/providers/${provider}/locations/{location}/${kind}/{operation}`,
    operationStatus,
  ],
})

/** Of the resource manager, on single resources. */
export const armOperations: Operations = {
  ...machineOperations,
  ...diskOperations,
  ...addressOperations,
  ...planOperations,
  ...statusOf('Microsoft.Compute'),
  ...statusOf('Microsoft.Compute', 'diskOperations'),
  ...statusOf('Microsoft.Network'),
}

/** Whether a request needs the application for actions. */
export const isChange = (call: string, method: string): boolean =>
  method !== 'GET' && (call in armOperations || call in tagging)

/** The permission of a request on a resource: `Microsoft.Compute/disks/delete`. */
export function permissionOf(call: string, method: string): string {
  if (!(call in armOperations) || /\/(read|action)$/.test(call)) return call
  if (method === 'GET') return `${call}/read`
  return method === 'DELETE' ? `${call}/delete` : `${call}/write`
}
