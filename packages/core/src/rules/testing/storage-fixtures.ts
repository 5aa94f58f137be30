import type { Fixture } from './fixture.ts'
import { attachedTo, daysAgo, scarce, some, steady, usd } from './subjects.ts'

const free = { type: 'gp3', sizeGb: 100, cost: usd({ storage: '8.8 x 100' }) }
const volume = some('aws', 'volume', free)
const gp2 = some('aws', 'volume', { type: 'gp2', status: 'in-use', attachedTo: 'i-1' })
const io1 = some('aws', 'volume', { type: 'io1', status: 'in-use', attachedTo: 'i-1', sizeGb: 100 })
const disk = some('azure', 'volume', { type: 'Premium_LRS', sizeGb: 128, cost: usd({ storage: '21.68 x 1' }) })
const pd = some('gcp', 'volume', { type: 'pd-ssd', sizeGb: 100, cost: usd({ storage: '17 x 100' }) })
const gp3Iops = some('aws', 'volume', {
  ...free,
  status: 'in-use',
  attachedTo: 'i-1',
  iops: 12_000,
  cost: usd({ storage: '8.8 x 100', iops: '49.5 x 9000' }),
})
const machineDisk = some('azure', 'volume', { type: 'Premium_LRS' })
const machine = some('azure', 'instance', { type: 'Standard_D2s_v5' })
const instance = some('aws', 'instance', { type: 'm5.large', status: 'stopped' })

const littleUse = { disk_operations: steady(2 * 3600), disk_read: steady(1e8), disk_write: steady(2e8) }

export const storageFixtures: readonly Fixture[] = [
  {
    rule: 'aws-volume-unattached',
    finds: [
      volume({ id: 'vol-free' }),
      volume({ id: 'vol-free-at-first', unchangedSince: daysAgo(3), mayBeOlder: true }),
      volume({ id: 'vol-free-since', unchangedSince: daysAgo(40) }),
      volume({ id: 'vol-free-slow', type: 'sc1', sizeGb: 1000, cost: usd({ storage: '18 x 1000' }) }),
    ],
    leaves: [
      volume({ id: 'vol-attaching', attachedTo: 'i-1' }),
      volume({ id: 'vol-creating', status: 'creating' }),
      volume({ id: 'vol-used', status: 'in-use', attachedTo: 'i-1' }),
      volume({ id: 'vol-new', createdAt: daysAgo(20) }),
      volume({ id: 'vol-free-lately', unchangedSince: daysAgo(3) }),
    ],
    lacks: [{ ...volume({ id: 'vol-ageless' }), createdAt: '' }],
  },
  {
    rule: 'azure-disk-unattached',
    finds: [disk({ id: 'disk-free', configuration: { LastOwnershipUpdateTime: daysAgo(60) } })],
    leaves: [
      disk({ id: 'disk-free-lately', configuration: { LastOwnershipUpdateTime: daysAgo(6) } }),
      disk({ id: 'disk-replica', name: 'web-osdisk-ASRReplica' }),
    ],
    lacks: [{ ...disk({ id: 'disk-ageless' }), createdAt: '' }],
  },
  {
    rule: 'gcp-disk-unattached',
    finds: [pd({ id: 'pd-free', configuration: { lastDetachTimestamp: daysAgo(30) } })],
    leaves: [
      pd({ id: 'pd-used', status: 'in-use', attachedTo: 'gce-1' }),
      pd({ id: 'pd-secondary', configuration: { asyncPrimaryDisk: { disk: 'pd-1' } } }),
    ],
    lacks: [{ ...pd({ id: 'pd-ageless' }), createdAt: '' }],
  },
  {
    rule: 'aws-volume-gp2',
    finds: [
      gp2({ id: 'vol-gp2', sizeGb: 100, cost: usd({ storage: '11 x 100' }) }),
      gp2({ id: 'vol-gp2-large', sizeGb: 2000, cost: usd({ storage: '220 x 2000' }) }),
    ],
    leaves: [gp2({ id: 'vol-gp3', type: 'gp3', sizeGb: 100 })],
    lacks: [gp2({ id: 'vol-gp2-sizeless' })],
  },
  {
    rule: 'aws-volume-io1',
    finds: [
      io1({ id: 'vol-io1-fast', iops: 40_000, cost: usd({ storage: '13.8 x 100', iops: '2880 x 40000' }) }),
      io1({ id: 'vol-io1', iops: 4000, cost: usd({ storage: '13.8 x 100', iops: '288 x 4000' }) }),
    ],
    leaves: [io1({ id: 'vol-io1-shared', iops: 4000, configuration: { MultiAttachEnabled: true } })],
    lacks: [io1({ id: 'vol-io1-untold' })],
  },
  {
    rule: 'aws-volume-iops-oversized',
    finds: [
      gp3Iops({ id: 'vol-io2-steps', type: 'io2', iops: 40_000, utilization: { disk_operations: steady(400 * 3600) } }),
      gp3Iops({ id: 'vol-io2', type: 'io2', iops: 4000, utilization: { disk_operations: steady(100 * 3600) } }),
      gp3Iops({ id: 'vol-iops', utilization: { disk_operations: steady(400 * 3600) } }),
    ],
    leaves: [
      gp3Iops({ id: 'vol-iops-third', utilization: { disk_operations: steady(3000 * 3600) } }),
      gp3Iops({ id: 'vol-st1', type: 'st1' }),
      gp3Iops({ id: 'vol-iops-used', utilization: { disk_operations: steady(9000 * 3600) } }),
      gp3Iops({ id: 'vol-iops-base', iops: 3000 }),
    ],
    lacks: [gp3Iops({ id: 'vol-iops-scarce', utilization: { disk_operations: scarce(400 * 3600) } })],
  },
  {
    rule: 'aws-volume-on-stopped-instance',
    finds: [
      volume({ id: 'vol-asleep', status: 'in-use', attachedTo: 'i-stopped', configuration: attachedTo('i-stopped') }),
    ],
    leaves: [
      volume({ id: 'vol-napping', status: 'in-use', attachedTo: 'i-stopped-lately' }),
      volume({
        id: 'vol-shared',
        status: 'in-use',
        attachedTo: 'i-stopped',
        configuration: attachedTo('i-stopped', 'i-running'),
      }),
    ],
    lacks: [volume({ id: 'vol-unsure', status: 'in-use', attachedTo: 'i-stopped-once' })],
    beside: [
      instance({
        id: 'i-stopped',
        configuration: { StateTransitionReason: 'User initiated (2026-07-04 10:00:00 GMT)' },
      }),
      instance({
        id: 'i-stopped-lately',
        configuration: { StateTransitionReason: 'User initiated (2026-10-25 10:00:00 GMT)' },
      }),
      instance({ id: 'i-stopped-once' }),
    ],
  },
  {
    rule: 'azure-premium-disk-deallocated',
    finds: [disk({ id: 'disk-asleep', status: 'in-use', attachedTo: 'vm-1' })],
    leaves: [
      disk({ id: 'disk-running', status: 'in-use', attachedTo: 'vm-2' }),
      disk({ id: 'disk-standard', type: 'Standard_LRS', status: 'in-use', attachedTo: 'vm-1' }),
    ],
    lacks: [
      disk({ id: 'disk-unsure', status: 'in-use', attachedTo: 'vm-3' }),
      machineDisk({ id: 'disk-sizeless', status: 'in-use', attachedTo: 'vm-1' }),
    ],
    beside: [
      machine({ id: 'vm-1', status: 'stopped', unchangedSince: daysAgo(60) }),
      machine({ id: 'vm-2', status: 'running', unchangedSince: daysAgo(60) }),
      machine({ id: 'vm-3', status: 'stopped' }),
    ],
  },
  {
    rule: 'azure-premium-disk-underused',
    finds: [disk({ id: 'disk-underused', status: 'in-use', attachedTo: 'vm-4', utilization: littleUse })],
    leaves: [
      disk({
        id: 'disk-used',
        status: 'in-use',
        attachedTo: 'vm-4',
        utilization: { ...littleUse, disk_operations: steady(400 * 3600) },
      }),
      disk({
        id: 'disk-streaming',
        status: 'in-use',
        attachedTo: 'vm-4',
        utilization: { ...littleUse, disk_read: steady(40e6 * 3600) },
      }),
      disk({ id: 'disk-of-stopped', status: 'in-use', attachedTo: 'vm-5', utilization: littleUse }),
      disk({ id: 'disk-detached', utilization: littleUse }),
      disk({ id: 'disk-of-zones', type: 'Premium_ZRS', status: 'in-use', attachedTo: 'vm-4', utilization: littleUse }),
    ],
    lacks: [disk({ id: 'disk-unmeasured', status: 'in-use', attachedTo: 'vm-4' })],
    beside: [machine({ id: 'vm-4', status: 'running' }), machine({ id: 'vm-5', status: 'stopped' })],
  },
]
