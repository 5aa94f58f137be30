import type { BillChange } from '@cloudoptima/sample'

/** Faults on demand; a test changes this object at any time. */
export interface Faults {
  /** The first that fits a call applies to it. */
  calls: CallFault[]
  /** Restatements, late days and new columns, by month: `2026-10`, or `{billing account} 2026-10`. */
  bills: Record<string, BillChange>
}

export interface CallFault {
  /**
   * `ec2:DescribeInstances`, with IAM's name of the service; `blob:GetBlob`, and for Resource Graph the permission of
   * the asked type; `compute.instances.aggregatedList`; any call if undefined.
   */
  call?: string
  /**
   * `cut`: the connection ends after half of the answer. `lost`: the call takes effect, and the connection ends without
   * an answer. `slow`: the answer comes after `seconds`. `disabled`: the API is switched off in the account.
   */
  kind: 'throttled' | 'failed' | 'expired' | 'cut' | 'lost' | 'slow' | 'disabled'
  /** Calls that it still applies to. */
  times: number
  /** To wait, or to retry after. */
  seconds?: number
}

/** The fault that applies to a call, which counts as one of its times. */
export function faultOf({ calls }: Faults, call: string): CallFault | undefined {
  const fault = calls.find((each) => each.times > 0 && (each.call ?? call) === call)
  if (fault) fault.times--
  return fault
}
