import type { Cloud } from '../../kernel/cloud.ts'
import type { ResourceKind } from '../../kernel/resource.ts'
import { hasAccelerator } from '../sizes/accelerator.ts'
import { typeOf } from '../sizes/instance-types.ts'
import { type Answer, type Confidence, type Facts, rule, type Rule, type Verdict } from '../rule.ts'
import { ours, threshold } from '../sources.ts'
import { type Subject, textOf } from '../subject.ts'
import { acceleratorUse, type Quiet, quiet, type QuietNetwork } from './quiet.ts'

const windowDays = 14
const common = {
  analyzer: 'idle_resources',
  windowDays,
  risk: 'medium',
  effort: 'low',
  restartNeeded: false,
  rollbackPossible: true,
} as const

type Condition = Quiet | QuietNetwork

interface Idle<Name extends string> extends Pick<Rule<Name>, 'id' | 'finds' | 'undo' | 'thresholds'> {
  cloud: Cloud
  kind: ResourceKind
  action: string
  /** What it is then. */
  to?: 'stopped' | 'deallocated'
  analyzer?: Rule['analyzer']
  saving?: Verdict['saving']
  confidence?: Confidence
  /** Undefined: the rule does not concern the resource. */
  conditions(
    subject: Subject,
    limit: Facts<Name>['limit'],
    facts: Pick<Facts, 'usersOf'>,
  ): readonly Condition[] | { missing: string[] } | undefined
}

const all = { kind: 'stops_cost', parts: 'all' } as const
const sure: Confidence = { level: 'high', reason: `its use in ${windowDays} days stayed below the thresholds` }

/** A rule about a resource that nothing uses, as its metrics say. */
export function idle<Name extends string>({
  cloud,
  kind,
  action,
  to,
  conditions,
  saving = all,
  confidence = sure,
  ...own
}: Idle<Name>): Rule {
  return rule<Name>({
    ...common,
    ...own,
    clouds: [cloud],
    kinds: [kind],
    find: (subject, facts): Answer => {
      const wanted = subject.status === 'stopped' ? undefined : conditions(subject, facts.limit, facts)
      if (wanted && 'missing' in wanted) return wanted
      const answer = wanted && quiet(subject.utilization, wanted)
      if (!answer || 'busy' in answer) return undefined
      if ('missing' in answer) return answer
      if (kind === 'instance' && hasAccelerator(subject)) return { missing: [acceleratorUse] }
      return {
        evidence: answer.evidence,
        change: { action, from: subject.status, to: to ?? 'ended' },
        saving,
        confidence,
      }
    },
  })
}

const stop = { action: 'stop', to: 'stopped', undo: 'Start the instance again.' } as const
const restore = 'Restore from the final snapshot.'

export const idleRules: readonly Rule[] = [
  idle({
    id: 'aws-instance-idle',
    cloud: 'aws',
    kind: 'instance',
    finds: 'EC2 instance that does nothing',
    ...stop,
    thresholds: {
      cpuPercent: threshold(5, '% CPU at the peaks', 'computeOptimizer'),
      bytes: threshold(5e6, 'bytes a day, in and out', 'computeOptimizer'),
    },
    conditions: (_, { cpuPercent, bytes }) => [
      { metric: 'cpu', below: cpuPercent, isEver: true },
      { networkBelow: bytes },
    ],
  }),
  idle({
    id: 'azure-instance-idle',
    cloud: 'azure',
    kind: 'instance',
    finds: 'Virtual machine that does nothing',
    action: 'deallocate',
    to: 'deallocated',
    undo: stop.undo,
    thresholds: {
      cpuPercent: threshold(3, '% CPU at the peaks', 'advisorResize'),
      bytes: ours(100e6, 'bytes a day, in and out', 'advisorResize'),
    },
    conditions: (_, { cpuPercent, bytes }) => [
      { metric: 'cpu', below: cpuPercent, isEver: true },
      { networkBelow: bytes },
    ],
  }),
  idle({
    id: 'gcp-instance-idle',
    cloud: 'gcp',
    kind: 'instance',
    finds: 'VM that does nothing',
    ...stop,
    thresholds: {
      vcpus: threshold(0.03, 'vCPUs in use', 'gcpIdleVm'),
      peakPercent: ours(5, '% CPU at the peaks', 'computeOptimizer'),
      inBytes: threshold(7.2e6, 'bytes an hour in', 'gcpIdleVm'),
      outBytes: threshold(3.6e6, 'bytes an hour out', 'gcpIdleVm'),
    },
    conditions: ({ type = '', utilization }, { vcpus, peakPercent, inBytes, outBytes }) => {
      const size = typeOf('gcp', type)
      const others: Quiet[] = [
        { metric: 'cpu', below: peakPercent, isEver: true },
        { metric: 'network_in', below: inBytes },
        { metric: 'network_out', below: outBytes },
      ]
      if (size) return [{ metric: 'cpu', below: (100 * vcpus) / size.vcpus }, ...others]
      return 'evidence' in quiet(utilization, others) ? { missing: [`size of the type ${type}`] } : others
    },
  }),
  idle({
    id: 'aws-database-idle',
    cloud: 'aws',
    kind: 'database',
    finds: 'RDS database without connections',
    action: 'delete after a final snapshot',
    undo: restore,
    saving: { ...all, isCopied: true },
    thresholds: { connections: threshold(1, 'connections', 'trustedAdvisor') },
    // A member of a cluster may be its failover target.
    conditions: (subject, { connections }) =>
      textOf(subject, 'DBClusterIdentifier') === undefined
        ? [{ metric: 'connections', below: connections, isEver: true }]
        : undefined,
  }),
  idle({
    id: 'aws-cache-idle',
    cloud: 'aws',
    kind: 'cache',
    finds: 'ElastiCache node that only its own monitoring uses',
    action: 'delete after a backup',
    undo: 'Create the cluster again from the backup.',
    thresholds: {
      connections: threshold(5, 'connections, of which monitoring has up to 4', 'elastiCacheMetrics'),
      cpuPercent: ours(5, '% CPU at the peaks', 'computeOptimizer'),
    },
    conditions: (subject, { connections, cpuPercent }, { usersOf }) => {
      const own: Quiet[] = [
        { metric: 'connections', below: connections, isEver: true },
        { metric: 'cpu', below: cpuPercent, isEver: true },
      ]
      // A node without readers is the failover target of a busy one.
      const group = textOf(subject, 'ReplicationGroupId')
      const nodes = group === undefined ? [] : usersOf(group).filter(({ id }) => id !== subject.id)
      const others = nodes.map(({ utilization }) => quiet(utilization, own))
      if (others.some((other) => 'busy' in other)) return undefined
      return others.some((other) => 'missing' in other)
        ? { missing: ['use of all nodes of the replication group'] }
        : own
    },
  }),
  idle({
    id: 'aws-table-unused',
    cloud: 'aws',
    kind: 'table',
    finds: 'DynamoDB table with provisioned capacity that nobody uses',
    action: 'switch to on-demand capacity',
    undo: 'Switch back to provisioned capacity.',
    thresholds: { units: threshold(1, 'consumed units an hour', 'dynamoDb') },
    saving: { kind: 'stops_cost', parts: ['capacity'] },
    conditions: ({ type }, { units }) =>
      type === 'PROVISIONED' ? [{ metric: 'requests', below: units, isEver: true }] : undefined,
  }),
  idle({
    id: 'gcp-database-idle',
    cloud: 'gcp',
    kind: 'database',
    finds: 'Cloud SQL instance without connections',
    ...stop,
    // Storage and addresses of a stopped instance go on costing.
    saving: { kind: 'stops_cost', parts: ['compute', 'license'] },
    thresholds: { connections: threshold(1, 'connections', 'gcpSqlIdle') },
    conditions: (_, { connections }) => [{ metric: 'connections', below: connections, isEver: true }],
  }),
]
