import { actions } from '../actions/actions.ts'
import type { ActionParameters } from '../effects/acting.ts'
import type { ActionName } from '../kernel/action.ts'
import { volumeLimits } from '../kernel/volume-limits.ts'
import { type Change, type Evidence, hasLocalDisk } from '../rules/index.ts'
import { type Info, numberIn } from './recommendation.ts'

/** The action that follows a recommendation. */
export interface Deed {
  name: ActionName
  parameters: ActionParameters
}

type Given = { change: Change; evidence: Evidence }
type Row = readonly [ActionName, ((given: Given) => ActionParameters)?]

const toType = ({ change }: Given): ActionParameters => ({ type: change.to })

const { iops: iopsOfGp3, throughputMb: throughputOfGp3 } = volumeLimits.gp3

const toGp3 = ({ evidence }: Given): ActionParameters => ({
  type: 'gp3',
  iops: Math.max(iopsOfGp3[0], Number(evidence['iops'])),
  throughputMb: Math.max(throughputOfGp3[0], Number(evidence['throughputMb'])),
})

/** By rule. What is not here takes a decision or a deployment of the customer. */
export const deeds: Readonly<Record<string, Row>> = {
  'aws-instance-oversized': ['resize-instance', toType],
  'azure-instance-oversized': ['resize-instance', toType],
  'gcp-instance-oversized': ['resize-instance', toType],
  'aws-database-oversized': ['resize-database', toType],
  'aws-instance-idle': ['stop-instance'],
  'azure-instance-idle': ['stop-instance'],
  'gcp-instance-idle': ['stop-instance'],
  'azure-instance-not-deallocated': ['stop-instance'],
  'gcp-database-idle': ['stop-database'],
  'aws-volume-unattached': ['delete-volume'],
  'azure-disk-unattached': ['delete-volume'],
  'gcp-disk-unattached': ['delete-volume'],
  'aws-volume-on-stopped-instance': ['delete-volume'],
  'azure-premium-disk-deallocated': ['change-volume', toType],
  'aws-volume-gp2': ['change-volume', toGp3],
  'aws-volume-io1': ['change-volume', toGp3],
  'aws-volume-iops-oversized': ['change-volume', ({ change }) => ({ iops: numberIn(change.to) })],
  'aws-snapshot-old': ['delete-snapshot'],
  'azure-snapshot-old': ['delete-snapshot'],
  'gcp-snapshot-old': ['delete-snapshot'],
  'aws-database-snapshot-old': ['delete-snapshot'],
  'gcp-image-old': ['deregister-image'],
  'aws-bucket-no-lifecycle': ['set-bucket-lifecycle', () => ({ tieringDays: 0 })],
  'aws-bucket-incomplete-uploads': ['set-bucket-lifecycle', () => ({ abortUploadsDays: 7 })],
  'aws-log-group-no-retention': ['set-log-retention', ({ change }) => ({ days: numberIn(change.to) })],
  'azure-hybrid-benefit-missing': ['enable-hybrid-benefit', () => ({ licenseType: 'Windows_Server' })],
  'aws-address-unused': ['release-address'],
  'azure-address-unused': ['release-address'],
  'gcp-address-unused': ['release-address'],
  'aws-load-balancer-idle': ['delete-load-balancer'],
  'aws-nat-gateway-idle': ['delete-nat-gateway'],
}

/** Types of resources that the plan of an action refuses. */
const refused: Partial<Record<ActionName, readonly string[]>> = { 'delete-load-balancer': ['classic', 'gateway'] }

type Advised = Pick<Info, 'rule' | 'cloud' | 'found' | 'resources'>

/** Undefined: it has to be followed by hand. */
export function deedOf({ rule, cloud, found, resources: [resource] }: Advised): Deed | undefined {
  const [name, parametersOf] = deeds[rule] ?? []
  if (!name || !found || !resource) return undefined
  const action = actions[name]
  if (!action.clouds.includes(cloud) || !action.kinds.includes(resource.kind)) return undefined
  if (refused[name]?.includes(resource.type ?? '')) return undefined
  const parameters = parametersOf?.(found) ?? {}
  // Parameters of rows that an older version wrote may not be known.
  return action.parameters.safeParse(parameters).success ? { name, parameters } : undefined
}

/** The data that no rollback brings back, in a sentence, as far as the inventory tells; the plan asks the cloud. */
export function dataLossOf(advised: Advised): string | undefined {
  const { cloud, resources } = advised
  const { name, parameters } = deedOf(advised) ?? {}
  const type = resources[0]?.type ?? ''
  if (name === 'set-log-retention')
    return `Events that are older than ${Number(parameters?.['days'])} days are deleted.`
  if (name === 'set-bucket-lifecycle' && parameters?.['abortUploadsDays'] !== undefined)
    return 'The parts of incomplete uploads are deleted.'
  const stops = name === 'resize-instance' || name === 'stop-instance'
  return stops && hasLocalDisk(cloud, type) ? `The data on the local disks of ${type} is lost.` : undefined
}
