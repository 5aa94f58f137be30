import type { Fixture } from './fixture.ts'
import { attachedTo, daysAgo, scarce, some, steady, usd, weekly } from './subjects.ts'

const ec2 = some('aws', 'instance', { type: 'm5.large', status: 'running', cost: usd({ compute: '70.08 x 730' }) })
const vm = some('azure', 'instance', {
  type: 'Standard_D2s_v5',
  status: 'running',
  cost: usd({ compute: '70.08 x 730', license: '67.16 x 730' }),
})
const gce = some('gcp', 'instance', {
  type: 'n2-standard-4',
  status: 'running',
  cost: usd({ compute: '141.79 x 730' }),
})
const volume = some('aws', 'volume', { status: 'in-use', sizeGb: 50, cost: usd({ storage: '4.4 x 50' }) })
const idleMetrics = { cpu: steady(1.2, 3.5), network_in: steady(100_000), network_out: steady(90_000) }
const gceIdle = { ...idleMetrics, cpu: steady(0.4, 1) }
const rds = some('aws', 'database', {
  type: 'db.m5.large',
  status: 'running',
  sizeGb: 100,
  cost: usd({ compute: '124.83 x 730', storage: '11.5 x 100' }),
})
const quietCache = { connections: steady(3), cpu: steady(0.8) }
const cache = some('aws', 'cache', { type: 'cache.m5.large', cost: usd({ compute: '113.88 x 730' }) })
const table = some('aws', 'table', { type: 'PROVISIONED', cost: usd({ capacity: '58.5', storage: '2.5 x 10' }) })
const sql = some('gcp', 'database', {
  type: 'db-custom-2-7680',
  status: 'running',
  cost: usd({ compute: '98.6 x 730', storage: '17 x 100' }),
})
const plan = some('azure', 'container_service', { type: 'P1v3', cost: usd({ compute: '124.1 x 730' }) })
const pool = some('azure', 'database', {
  type: 'StandardPool',
  status: 'running',
  cost: usd({ compute: '147.2 x 730' }),
})
const servers = '/subscriptions/s/resourcegroups/g/providers/microsoft.sql/servers/a'
const farms = '/subscriptions/s/resourcegroups/g/providers/microsoft.web/serverfarms'

const stoppedOn = (day: string) => ({ StateTransitionReason: `User initiated (${day} 10:00:00 GMT)` })

export const idleFixtures: readonly Fixture[] = [
  {
    rule: 'aws-instance-idle',
    finds: [ec2({ id: 'i-idle', utilization: idleMetrics })],
    leaves: [
      ec2({ id: 'i-stopped', status: 'stopped', utilization: idleMetrics }),
      ec2({ id: 'i-busy', utilization: { ...idleMetrics, cpu: steady(35, 60) } }),
      ec2({ id: 'i-weekly-job', utilization: { ...idleMetrics, cpu: weekly(1.2, 100) } }),
      ec2({ id: 'i-hourly-job', utilization: { ...idleMetrics, cpu: steady(4, 100) } }),
      // 4.8 MB in and 2.2 MB out on a day.
      ec2({ id: 'i-talking', utilization: { ...idleMetrics, network_in: steady(200_000) } }),
      ec2({ id: 'i-proxy', utilization: { ...idleMetrics, network_out: steady(8e9) } }),
    ],
    lacks: [
      ec2({ id: 'i-unmeasured' }),
      ec2({ id: 'i-scarce', utilization: { ...idleMetrics, cpu: scarce(1) } }),
      ec2({ id: 'i-gpu', type: 'g5.12xlarge', utilization: idleMetrics }),
    ],
  },
  {
    rule: 'azure-instance-idle',
    finds: [vm({ id: 'vm-idle', utilization: { ...idleMetrics, cpu: steady(1.2, 2.5) } })],
    leaves: [
      vm({ id: 'vm-weekly-job', utilization: { ...idleMetrics, cpu: weekly(1.2, 60) } }),
      vm({ id: 'vm-hourly-job', utilization: { ...idleMetrics, cpu: steady(1.2, 60) } }),
      vm({ id: 'vm-busy', utilization: { ...idleMetrics, cpu: steady(3, 4) } }),
    ],
    lacks: [
      vm({ id: 'vm-scarce', utilization: { cpu: scarce(1) } }),
      vm({ id: 'vm-gpu', type: 'Standard_NC4as_T4_v3', utilization: { ...idleMetrics, cpu: steady(1.2, 2.5) } }),
    ],
  },
  {
    rule: 'gcp-instance-idle',
    finds: [gce({ id: 'gce-idle', utilization: gceIdle })],
    leaves: [
      gce({ id: 'gce-busy', utilization: idleMetrics }),
      gce({ id: 'gce-weekly-job', utilization: { ...gceIdle, cpu: weekly(0.4, 60) } }),
      gce({ id: 'gce-hourly-job', utilization: { ...gceIdle, cpu: steady(0.4, 60) } }),
      gce({ id: 'gce-large', type: 'c4-standard-96', utilization: idleMetrics }),
      gce({ id: 'gce-custom', type: 'n2-custom-8-16384', utilization: gceIdle }),
      gce({ id: 'gce-new-busy', type: 'z9-standard-2', utilization: { ...gceIdle, network_out: steady(8e9) } }),
    ],
    lacks: [
      gce({ id: 'gce-unmeasured' }),
      gce({ id: 'gce-new', type: 'z9-standard-2', utilization: gceIdle }),
      gce({ id: 'gce-gpu', utilization: gceIdle, configuration: { guestAccelerators: [{ acceleratorCount: 1 }] } }),
    ],
  },
  {
    rule: 'aws-database-idle',
    finds: [rds({ id: 'db-idle', utilization: { connections: steady(0) } })],
    leaves: [
      rds({ id: 'db-weekly', utilization: { connections: weekly(0, 8) } }),
      rds({ id: 'db-weekly-scarce', utilization: { connections: scarce(8) } }),
      rds({ id: 'db-nightly', utilization: { connections: steady(0.1, 2) } }),
      rds({
        id: 'db-member',
        utilization: { connections: steady(0) },
        configuration: { DBClusterIdentifier: 'cluster-1' },
      }),
    ],
    lacks: [rds({ id: 'db-scarce', utilization: { connections: scarce(0) } })],
  },
  {
    rule: 'aws-cache-idle',
    finds: [
      cache({ id: 'cache-idle', utilization: quietCache }),
      cache({ id: 'cache-idle-primary', utilization: quietCache, configuration: { ReplicationGroupId: 'idle' } }),
      cache({ id: 'cache-idle-replica', utilization: quietCache, configuration: { ReplicationGroupId: 'idle' } }),
    ],
    leaves: [
      cache({ id: 'cache-weekly', utilization: { ...quietCache, connections: weekly(3, 30) } }),
      cache({ id: 'cache-nightly', utilization: { connections: steady(3), cpu: steady(0.8, 40) } }),
      cache({ id: 'cache-busy', utilization: { connections: steady(30), cpu: steady(0.8) } }),
      cache({
        id: 'cache-primary',
        utilization: { ...quietCache, connections: steady(30) },
        configuration: { ReplicationGroupId: 'busy' },
      }),
      cache({ id: 'cache-replica', utilization: quietCache, configuration: { ReplicationGroupId: 'busy' } }),
    ],
    lacks: [
      cache({ id: 'cache-unmeasured' }),
      cache({ id: 'cache-of-unmeasured', utilization: quietCache, configuration: { ReplicationGroupId: 'unknown' } }),
      cache({ id: 'cache-unmeasured-too', configuration: { ReplicationGroupId: 'unknown' } }),
    ],
  },
  {
    rule: 'aws-table-unused',
    finds: [table({ id: 'table-unused', utilization: { requests: steady(0) } })],
    leaves: [
      table({ id: 'table-used', utilization: { requests: steady(4000) } }),
      table({ id: 'table-weekly', utilization: { requests: weekly(0, 4000) } }),
      table({ id: 'table-on-demand', type: 'PAY_PER_REQUEST', utilization: { requests: steady(0) } }),
    ],
    lacks: [table({ id: 'table-unmeasured' })],
  },
  {
    rule: 'gcp-database-idle',
    finds: [sql({ id: 'sql-idle', utilization: { connections: steady(0) } })],
    leaves: [
      sql({ id: 'sql-used', utilization: { connections: steady(12) } }),
      sql({ id: 'sql-weekly', utilization: { connections: weekly(0, 12) } }),
    ],
    lacks: [sql({ id: 'sql-unmeasured' })],
  },
  {
    rule: 'azure-plan-empty',
    finds: [plan({ id: `${farms}/empty`, configuration: { numberOfSites: 0, tier: 'PremiumV3' } })],
    leaves: [
      plan({ id: `${farms}/used`, configuration: { numberOfSites: 2, tier: 'PremiumV3' } }),
      plan({ id: `${farms}/free`, configuration: { numberOfSites: 0, tier: 'Free' } }),
    ],
    lacks: [plan({ id: `${farms}/untold`, configuration: { tier: 'PremiumV3' } })],
  },
  {
    rule: 'azure-sql-pool-empty',
    finds: [pool({ id: `${servers}/elasticpools/empty` })],
    leaves: [pool({ id: `${servers}/elasticpools/used` })],
    lacks: [],
    beside: [pool({ id: `${servers}/databases/d`, configuration: { elasticPoolId: `${servers}/elasticPools/Used` } })],
  },
  {
    rule: 'azure-instance-not-deallocated',
    finds: [vm({ id: 'vm-stopped', status: 'stopped', configuration: { code: 'PowerState/stopped' } })],
    leaves: [
      vm({ id: 'vm-deallocated', status: 'stopped', configuration: { code: 'PowerState/deallocated' } }),
      vm({ id: 'vm-running', configuration: { code: 'PowerState/running' } }),
    ],
    lacks: [vm({ id: 'vm-silent', status: 'unknown' })],
  },
  {
    rule: 'instance-stopped-long',
    finds: [
      ec2({ id: 'i-asleep', status: 'stopped', cost: usd({}), configuration: stoppedOn('2026-07-04') }),
      gce({ id: 'gce-asleep', status: 'stopped', cost: usd({}), configuration: { lastStopTimestamp: daysAgo(45) } }),
    ],
    leaves: [
      ec2({ id: 'i-napping', status: 'stopped', configuration: stoppedOn('2026-10-25') }),
      vm({ id: 'vm-billed', status: 'stopped', configuration: { code: 'PowerState/stopped' } }),
    ],
    lacks: [vm({ id: 'vm-asleep-once', status: 'stopped', configuration: { code: 'PowerState/deallocated' } })],
    beside: [
      volume({ id: 'vol-root', attachedTo: 'i-asleep' }),
      volume({ id: 'vol-also-elsewhere', attachedTo: 'i-asleep', configuration: attachedTo('i-asleep', 'i-awake') }),
      volume({ id: 'vol-ignored', attachedTo: 'i-asleep', tags: { 'cloudoptima:ignore': 'true' } }),
    ],
  },
]
