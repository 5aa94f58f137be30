import type { Cloud } from '../../kernel/cloud.ts'
import type { Subject } from '../subject.ts'

/**
 * https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html, https://learn.microsoft.com/azure/virtual-machines/sizes/overview
 * and https://cloud.google.com/compute/docs/accelerator-optimized-machines
 */
const types: Record<Cloud, RegExp> = {
  aws: /^(?:g|gr|p|inf|trn|dl|f|vt)\d/,
  azure: /^Standard_N[A-Z]/i,
  gcp: /^(?:a[2-9]|g[2-9]|ct\d)/,
}

/** Whether an instance has a GPU or another accelerator, whose use its CPU does not tell. */
export function hasAccelerator({ cloud, type = '', configuration }: Subject): boolean {
  const added = configuration['guestAccelerators']
  return types[cloud].test(type) || (Array.isArray(added) && added.length > 0)
}
