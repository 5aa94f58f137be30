import type { Subject } from '../subject.ts'
import type { Fixture } from './fixture.ts'
import { daysAgo, scarce, some, steady, usd } from './subjects.ts'

const linux = { PlatformDetails: 'Linux/UNIX' }
const ec2 = some('aws', 'instance', {
  type: 'm5.2xlarge',
  status: 'running',
  configuration: linux,
  cost: usd({ compute: '336 x 730' }),
})
const vm = some('azure', 'instance', {
  type: 'Standard_D8s_v5',
  status: 'running',
  configuration: { osType: 'Linux' },
  cost: usd({ compute: '335.8 x 730' }),
})
const gce = some('gcp', 'instance', { type: 'n2-standard-8', status: 'running', cost: usd({ compute: '283.6 x 730' }) })
const rds = some('aws', 'database', {
  type: 'db.m5.2xlarge',
  status: 'running',
  configuration: { Engine: 'postgres', EngineVersion: '16.4', MultiAZ: false },
  cost: usd({ compute: '520 x 730', storage: '11.5 x 100' }),
})
const sql = some('gcp', 'database', {
  type: 'db-custom-8-30720',
  status: 'running',
  cost: usd({ compute: '394 x 730', storage: '17 x 100' }),
})
const lambda = some('aws', 'function', { type: 'nodejs24.x', cost: usd({ compute: '80' }) })
const mb = 1024 ** 2
const called = { requests: steady(5000), duration: steady(1_000_000) }
const light = { ...called, memory_used: steady(90 * mb, 180 * mb), cpu_time: steady(100_000) }
const pools = '/subscriptions/s/resourcegroups/g/providers/microsoft.sql/servers/a/elasticpools'
const pool = some('azure', 'database', { type: 'GP_Gen5', status: 'running', cost: usd({ compute: '588 x 730' }) })
const service = some('aws', 'container_service', { type: 'FARGATE', cost: usd({ compute: '180 x 730' }) })
const eks = some('aws', 'cluster', { type: 'eks', status: 'ACTIVE', cost: usd({ compute: '73 x 730' }) })
const nodeGroups = (...sizes: number[]) => ({
  nodegroups: sizes.map((desiredSize) => ({ scalingConfig: { desiredSize, minSize: 1, maxSize: 20 } })),
})
const nodesOf = (cluster: string, count: number, more: Partial<Subject> = {}) =>
  Array.from({ length: count }, (_, index) =>
    ec2({
      id: `i-${cluster}-${index}`,
      tags: { 'eks:cluster-name': cluster, 'eks:nodegroup-name': 'workers' },
      ...more,
    }),
  )
const roomy = { cpu: steady(12), memory: steady(31), cpu_reserved: steady(28, 60), memory_reserved: steady(40, 70) }
const network = { network_in: steady(2e9), network_out: steady(2e9) }
const quietNetwork = { network_in: steady(1e5), network_out: steady(1e5) }
const ranFor = (hours: number, level: number) => ({ ...steady(level), hours, hoursExpected: hours })
const quietOff = (hours: number) => ({ cpu: ranFor(hours, 1), ...quietNetwork })
const busyDay = { cpu: steady(40, 70), ...network }
const oldEngine = { Engine: 'mysql', EngineVersion: '5.7.44', MultiAZ: false }

export const sizingFixtures: readonly Fixture[] = [
  {
    rule: 'aws-instance-oversized',
    finds: [
      ec2({ id: 'i-wide', utilization: { cpu: steady(9, 18), memory: steady(15, 19), ...network } }),
      ec2({ id: 'i-wide-unknown-memory', utilization: { cpu: steady(9, 18), ...network } }),
      ec2({
        id: 'i-burstable',
        type: 't3.xlarge',
        cost: usd({ compute: '140 x 730' }),
        utilization: { cpu: steady(12, 30) },
      }),
    ],
    leaves: [
      ec2({ id: 'i-wide-stopped', status: 'stopped', utilization: { cpu: steady(9, 18) } }),
      ec2({ id: 'i-right', utilization: { cpu: steady(30, 70), memory: steady(60, 70) } }),
      ec2({ id: 'i-much-memory', utilization: { cpu: steady(9, 18), memory: steady(60, 70) } }),
      ec2({
        id: 'i-much-network',
        utilization: { cpu: steady(9, 18), network_in: steady(6e11), network_out: steady(4e11) },
      }),
      ec2({ id: 'i-baseline', type: 't3.xlarge', utilization: { cpu: steady(25, 30) } }),
      ec2({ id: 'i-unknown-type-busy', type: 'm99.large', utilization: { cpu: steady(60, 90) } }),
    ],
    lacks: [
      ec2({ id: 'i-wide-scarce', utilization: { cpu: scarce(9) } }),
      ec2({ id: 'i-unknown-type', type: 'm99.large', utilization: { cpu: steady(1) } }),
    ],
  },
  {
    rule: 'azure-instance-oversized',
    finds: [
      vm({ id: 'vm-wide', utilization: { cpu: steady(9, 18), memory: steady(15, 35) } }),
      vm({
        id: 'vm-wide-licensed',
        utilization: { cpu: steady(9, 18), memory: steady(15, 35) },
        configuration: { osType: 'Windows', licenseType: 'Windows_Server' },
      }),
      vm({ id: 'vm-burstable', type: 'Standard_B4ms', utilization: { cpu: steady(6) } }),
    ],
    leaves: [
      vm({ id: 'vm-right', utilization: { cpu: steady(40, 60), memory: steady(15, 35) } }),
      // Half the CPUs could not use 24 % all the time.
      vm({ id: 'vm-baseline', type: 'Standard_B4ms', utilization: { cpu: steady(16, 30) } }),
    ],
    lacks: [
      vm({ id: 'vm-unmeasured' }),
      vm({ id: 'vm-unknown-type', type: 'Standard_L8s_v3', utilization: { cpu: steady(6) } }),
    ],
  },
  {
    rule: 'gcp-instance-oversized',
    finds: [
      gce({ id: 'gce-wide', utilization: { cpu: steady(9, 38) } }),
      gce({ id: 'gce-custom', type: 'n2-custom-8-24576', utilization: { cpu: steady(9, 38) } }),
    ],
    leaves: [gce({ id: 'gce-right', utilization: { cpu: steady(40, 60) } })],
    lacks: [
      gce({ id: 'gce-unsized' }),
      gce({ id: 'gce-gpu', utilization: { cpu: steady(9, 38) }, configuration: { guestAccelerators: [{}] } }),
    ],
  },
  {
    rule: 'aws-database-oversized',
    finds: [
      rds({ id: 'db-wide', utilization: { cpu: steady(9, 30) } }),
      rds({
        id: 'db-wide-measured',
        type: 'db.r5.2xlarge',
        utilization: { cpu: steady(9, 30), memory: steady(20, 30) },
      }),
    ],
    leaves: [
      // RDS has no db.t3.nano.
      rds({ id: 'db-least', type: 'db.t3.micro', utilization: { cpu: steady(1), memory: steady(10) } }),
      rds({ id: 'db-right', utilization: { cpu: steady(40, 60) } }),
      rds({ id: 'db-much-memory', utilization: { cpu: steady(9, 30), memory: steady(70, 75) } }),
    ],
    lacks: [
      rds({ id: 'db-half-busy', utilization: { cpu: steady(30, 38), memory: scarce(20) }, type: 'db.r6g.2xlarge' }),
      rds({ id: 'db-unmeasured' }),
      rds({ id: 'db-memory', type: 'db.r5.2xlarge', utilization: { cpu: steady(9, 30) } }),
    ],
  },
  {
    rule: 'gcp-database-oversized',
    finds: [sql({ id: 'sql-wide', utilization: { cpu: steady(9, 30), memory: steady(30, 35) } })],
    leaves: [
      sql({ id: 'sql-stopped', status: 'stopped' }),
      sql({ id: 'sql-least', type: 'db-custom-2-7680' }),
      sql({ id: 'sql-right', utilization: { cpu: steady(9, 30), memory: steady(70, 80) } }),
    ],
    lacks: [sql({ id: 'sql-scarce', utilization: { cpu: steady(9, 30) } })],
  },
  {
    rule: 'azure-sql-pool-oversized',
    finds: [
      pool({ id: `${pools}/wide`, configuration: { capacity: 8 }, utilization: { cpu: steady(9, 30) } }),
      pool({
        id: `${pools}/wide-dtu`,
        configuration: { tier: 'Standard', capacity: 100 },
        utilization: { cpu: steady(9, 30) },
      }),
    ],
    leaves: [
      pool({ id: `${pools}/right`, configuration: { capacity: 8 }, utilization: { cpu: steady(9, 60) } }),
      // Azure sells no 150 eDTUs.
      pool({
        id: `${pools}/odd-dtu`,
        configuration: { tier: 'Standard', capacity: 300 },
        utilization: { cpu: steady(9, 30) },
      }),
      pool({ id: `${pools}/least`, configuration: { capacity: 2 }, utilization: { cpu: steady(9, 30) } }),
    ],
    lacks: [pool({ id: `${pools}/unmeasured`, configuration: { capacity: 8 } })],
  },
  {
    rule: 'aws-service-oversized',
    finds: [
      service({
        id: 'service-wide',
        configuration: { desiredCount: 10 },
        utilization: { cpu: steady(9, 20), memory: steady(30, 36) },
      }),
    ],
    leaves: [
      service({ id: 'service-uncounted', utilization: { cpu: steady(1), memory: steady(1) } }),
      service({
        id: 'service-right',
        configuration: { desiredCount: 10 },
        utilization: { cpu: steady(60, 80), memory: steady(30) },
      }),
      service({
        id: 'service-pair',
        configuration: { desiredCount: 2 },
        utilization: { cpu: steady(1), memory: steady(1) },
      }),
      service({ id: 'service-on-instances', type: 'EC2', configuration: { desiredCount: 10 } }),
    ],
    lacks: [
      service({ id: 'service-scarce', configuration: { desiredCount: 10 }, utilization: { cpu: steady(9, 20) } }),
    ],
  },
  {
    rule: 'aws-cluster-oversized',
    finds: [
      eks({ id: 'arn:cluster/wide', name: 'wide', configuration: nodeGroups(6, 4), utilization: roomy }),
      eks({ id: 'arn:cluster/unbilled', name: 'unbilled', configuration: nodeGroups(4), utilization: roomy }),
    ],
    leaves: [
      eks({
        id: 'arn:cluster/reserved',
        name: 'reserved',
        configuration: nodeGroups(10),
        utilization: { ...roomy, cpu_reserved: steady(78) },
      }),
      eks({ id: 'arn:cluster/pair', name: 'pair', configuration: nodeGroups(1, 1), utilization: roomy }),
      eks({ id: 'arn:cluster/groupless', name: 'groupless', configuration: nodeGroups(), utilization: roomy }),
      eks({ id: 'arn:cluster/karpenter', name: 'karpenter', configuration: nodeGroups(10), utilization: roomy }),
      some('aws', 'cluster')({ id: 'arn:cluster/ecs', type: 'ecs', configuration: nodeGroups(10) }),
    ],
    lacks: [
      eks({ id: 'arn:cluster/uninsightful', name: 'uninsightful', configuration: nodeGroups(10) }),
      eks({
        id: 'arn:cluster/scarce',
        name: 'scarce',
        configuration: nodeGroups(10),
        utilization: { ...roomy, memory_reserved: scarce(40) },
      }),
    ],
    beside: [
      // A node group replaces its nodes.
      ...nodesOf('wide', 5),
      ...nodesOf('wide', 5, { createdAt: daysAgo(2) }).map((node) => ({ ...node, id: `${node.id}-new` })),
      ...nodesOf('unbilled', 4, { cost: usd({}) }),
      ...nodesOf('karpenter', 1, { tags: { 'eks:eks-cluster-name': 'karpenter', 'karpenter.sh/nodepool': 'web' } }),
      // A cluster of the same name in another region.
      ...nodesOf('wide', 1, { id: 'i-elsewhere', region: 'us-east-1' }),
    ],
  },
  {
    rule: 'aws-function-oversized',
    finds: [
      lambda({ id: 'function-wide', configuration: { MemorySize: 1024 }, utilization: light }),
      lambda({
        id: 'function-computing',
        configuration: { MemorySize: 3008 },
        utilization: { ...light, cpu_time: steady(900_000) },
      }),
      lambda({
        id: 'function-rare',
        configuration: { MemorySize: 1024 },
        utilization: {
          requests: scarce(20),
          duration: scarce(4000),
          memory_used: scarce(50 * mb),
          cpu_time: scarce(10),
        },
      }),
    ],
    leaves: [
      lambda({ id: 'function-least', configuration: { MemorySize: 128 }, utilization: light }),
      lambda({ id: 'function-right', configuration: { MemorySize: 256 }, utilization: light }),
      lambda({ id: 'function-uncalled', configuration: { MemorySize: 1024 } }),
      lambda({
        id: 'function-busy',
        configuration: { MemorySize: 1769 },
        utilization: { ...light, cpu_time: steady(950_000) },
      }),
    ],
    lacks: [
      lambda({ id: 'function-without-insights', configuration: { MemorySize: 1024 }, utilization: called }),
      lambda({
        id: 'function-half-known',
        configuration: { MemorySize: 1024 },
        utilization: { ...light, memory_used: scarce(90 * mb) },
      }),
      lambda({
        id: 'function-new',
        configuration: { MemorySize: 1024 },
        utilization: Object.fromEntries(
          Object.entries(light).map(([metric, level]) => [metric, { ...level, hours: 8 }]),
        ),
      }),
    ],
  },
  {
    rule: 'aws-instance-off-hours',
    finds: [
      ec2({ id: 'i-office', utilization: busyDay, offHours: quietOff(216) }),
      ec2({ id: 'i-office-weekends', utilization: { cpu: ranFor(168, 40), ...network }, offHours: quietOff(48) }),
    ],
    leaves: [
      ec2({ id: 'i-always', utilization: busyDay, offHours: busyDay }),
      ec2({ id: 'i-office-scheduled', utilization: { cpu: ranFor(120, 40), ...network } }),
      ec2({ id: 'i-off', status: 'stopped', offHours: { cpu: steady(0), ...quietNetwork } }),
    ],
    lacks: [
      ec2({ id: 'i-office-unmeasured', utilization: { cpu: { ...ranFor(336, 40), hours: 120 }, ...network } }),
      ec2({ id: 'i-office-gpu', type: 'p4d.24xlarge', utilization: busyDay, offHours: quietOff(216) }),
      ec2({ id: 'i-office-scarce', utilization: busyDay, offHours: { cpu: scarce(1), ...quietNetwork } }),
    ],
  },
  {
    rule: 'aws-previous-generation',
    finds: [
      ec2({ id: 'i-old', type: 'm4.xlarge', cost: usd({ compute: '175.2 x 730' }) }),
      ec2({ id: 'i-old-discounted', type: 'm4.xlarge', cost: usd({ compute: '140.16 x 730 of 175.2' }) }),
      rds({ id: 'db-old', type: 'db.r4.large' }),
    ],
    // c6i.8xlarge has 32 of its 36 CPUs.
    leaves: [
      ec2({ id: 'i-old-stopped', type: 'm4.xlarge', status: 'stopped' }),
      ec2({ id: 'i-current' }),
      ec2({ id: 'i-odd', type: 'c4.8xlarge' }),
    ],
    lacks: [],
  },
  {
    rule: 'aws-graviton',
    finds: [ec2({ id: 'i-intel' }), rds({ id: 'db-intel' })],
    leaves: [
      ec2({ id: 'i-windows', configuration: { PlatformDetails: 'Windows' } }),
      ec2({ id: 'i-arm', type: 'm7g.large' }),
      rds({ id: 'db-oracle', configuration: { Engine: 'oracle-ee' } }),
    ],
    lacks: [some('aws', 'instance')({ id: 'i-untold', type: 'm5.large', status: 'running' })],
  },
  {
    rule: 'aws-database-extended-support',
    finds: [
      rds({
        id: 'db-ancient',
        configuration: oldEngine,
        cost: usd({ compute: '520 x 730', extended_support: '146 x 1460' }),
      }),
    ],
    leaves: [rds({ id: 'db-modern' })],
    lacks: [
      some('aws', 'database')({ id: 'db-versionless', status: 'running', configuration: { Engine: 'mysql' } }),
      some('aws', 'database')({ id: 'db-untold', status: 'running' }),
    ],
  },
]
