import { expect, test } from 'vitest'
import { allRules } from './analyzers.ts'
import { judge } from './engine.ts'
import { recommend } from './recommend.ts'
import type { Finding } from './rule.ts'
import type { Subject } from './subject.ts'
import { book } from './testing/prices.ts'
import { daysAgo, now, some, steady, untagged, usd } from './testing/subjects.ts'

const idle = { cpu: steady(1), network_in: steady(1), network_out: steady(1), connections: steady(0) }
const common = { status: 'running', utilization: idle }
const ec2 = some('aws', 'instance', { ...common, type: 'm5.large' })
const vm = some('azure', 'instance', { ...common, type: 'Standard_D2s_v5' })
const gce = some('gcp', 'instance', { ...common, type: 'n2-standard-2' })
const disk = some('azure', 'volume')
const found = (subject: Subject) =>
  judge(allRules, [subject], { now })
    .filter(({ state }) => state === 'found')
    .map(({ rule }) => rule)

test.each([
  ec2({ id: 'in a scaling group', tags: { 'aws:autoscaling:groupName': 'web' } }),
  ec2({ id: 'in a fleet', tags: { 'aws:ec2:fleet-id': 'fleet-1' } }),
  ec2({ id: 'of a node group', tags: { 'eks:nodegroup-name': 'web' } }),
  ec2({ id: 'spot', configuration: { InstanceLifecycle: 'spot' } }),
  vm({ id: 'in a scale set', configuration: { virtualMachineScaleSet: { id: 's' } } }),
  vm({ id: 'spot of Azure', configuration: { priority: 'Spot' } }),
  gce({ id: 'in an instance group', configuration: { createdBy: 'projects/1/zones/z/instanceGroupManagers/web' } }),
  gce({ id: 'spot of Google', configuration: { isSpot: true } }),
  some('aws', 'database', common)({ id: 'replica', configuration: { ReadReplicaSourceDBInstanceIdentifier: 'db' } }),
  some('gcp', 'database', common)({ id: 'replica', configuration: { instanceType: 'READ_REPLICA_INSTANCE' } }),
  some('aws', 'volume')({ id: 'recovery', tags: { AWSElasticDisasterRecoveryManaged: 'drs' } }),
  disk({ id: 'recovery of Azure', name: 'web-ASRReplica' }),
  ec2({ id: 'younger than the window', createdAt: daysAgo(3) }),
  ec2({ id: 'ignored', tags: { 'cloudoptima:ignore': 'true' } }),
  gce({ id: 'ignored by label', tags: { 'cloudoptima-ignore': 'until-may' } }),
  ec2({ id: 'terminated', status: 'terminated' }),
])('no rule finds what is $id', (subject) => {
  expect(found(subject)).toEqual([])
})

test('a size is judged by hours of that size only', () => {
  const metrics = { ...common, utilization: { cpu: steady(2), memory: steady(2) } }
  const database = some('aws', 'database', { ...metrics, type: 'db.m6i.2xlarge' })
  expect(found(database({ id: 'db-1', resizedAt: daysAgo(3) }))).not.toContain('aws-database-oversized')
  expect(found(database({ id: 'db-1', resizedAt: daysAgo(14) }))).toContain('aws-database-oversized')
})

test('of a resource whose tags are not known, nobody knows whether it is to be ignored', () => {
  const findings = judge(allRules, [untagged(ec2({ id: 'i-1' }))], { now })
  expect(findings.filter(({ state }) => state === 'found')).toEqual([])
  expect(findings).toContainEqual(
    expect.objectContaining({ rule: 'aws-instance-idle', missing: ['tags, which may exclude the resource'] }),
  )
})

test('the same resources without the mark are found', () => {
  for (const subject of [ec2({ id: 'i-1' }), vm({ id: 'vm-1' }), disk({ id: 'disk-1' })])
    expect(found(subject)).not.toEqual([])
  const unmarked = ec2({ id: 'i-2', tags: { 'cloudoptima:ignore': 'false' } })
  expect(found(unmarked)).toContain('aws-instance-idle')
})

test('tags are required of members of groups and of spot instances too', () => {
  const spot = ec2({ id: 'i-1', tags: {}, configuration: { InstanceLifecycle: 'spot' } })
  const findings = judge(allRules, [spot], { now, requiredTags: [{ key: 'team' }] })
  expect(findings.map(({ rule }) => rule)).toEqual(['required-tag-missing'])
})

test('what a rule finds for lack of a kind is not known while that kind could not be read', () => {
  const image = some('aws', 'image')({ id: 'ami-1' })
  const statesWith = (unread: { accountId: string; kind: 'instance' }[]) =>
    judge(allRules, [image], { now, unread }).map(({ state }) => state)
  expect(statesWith([])).toEqual(['found'])
  expect(statesWith([{ accountId: 'account-2', kind: 'instance' }])).toEqual(['found'])
  expect(statesWith([{ accountId: 'account-1', kind: 'instance' }])).toEqual(['insufficient_data'])
})

test('a resource whose creation no API tells is young while its first day is near', () => {
  const address = some('aws', 'address', { createdAt: '' })
  const { createdAt: _, ...untold } = address({ id: 'eip-1', unchangedSince: daysAgo(3) })
  expect(found(untold)).toEqual([])
  expect(found({ ...untold, unchangedSince: daysAgo(20) })).toEqual(['aws-address-unused'])
})

const asleep = ec2({
  id: 'i-asleep',
  status: 'stopped',
  unchangedSince: daysAgo(90),
  cost: usd({}),
  utilization: {},
})
const attached = some('aws', 'volume', {
  status: 'in-use',
  attachedTo: 'i-asleep',
  sizeGb: 1000,
  cost: usd({ storage: '80 x 1000' }),
})
const marks = { 'cloudoptima:ignore': 'true' }

test.each([
  attached({ id: 'vol-ignored', tags: marks }),
  attached({ id: 'vol-recovery', tags: { AWSElasticDisasterRecoveryManaged: 'drs' } }),
  attached({ id: 'vol-young', createdAt: daysAgo(3) }),
])('no rule ends $id with its instance', (disk) => {
  const other = attached({ id: 'vol-2' })
  const ended = (subjects: readonly Subject[]) =>
    judge(allRules, subjects, { now }).filter(({ rule }) => rule === 'instance-stopped-long')
  expect(ended([asleep, disk])).toEqual([])
  expect(ended([asleep, disk, other])).toMatchObject([
    { also: [other], change: { action: `make an image, and delete with the disks, except ${disk.id}` } },
  ])
})

test('an image keeps the snapshot that is ignored', () => {
  const image = some('aws', 'image')({ id: 'ami-1', configuration: { SnapshotIds: ['snap-1', 'snap-2'] } })
  const snapshot = some('aws', 'snapshot', { attachedTo: 'vol-gone', cost: usd({ backup: '5 x 100' }) })
  const [kept, other] = [snapshot({ id: 'snap-1', tags: marks }), snapshot({ id: 'snap-2' })]
  const ended = judge(allRules, [image, kept, other], { now }).filter(({ rule }) => rule === 'aws-image-unused')
  expect(ended).toMatchObject([
    { also: [other], change: { action: 'deregister, and delete the snapshots, except snap-1' } },
  ])
})

test('a disk that nobody wants deleted is not deleted with its instance, and its cost is not saved', () => {
  const [kept, other] = [attached({ id: 'vol-1' }), attached({ id: 'vol-2' })]
  const advised = (subjects: readonly Subject[], dismissed: string) =>
    recommend(subjects, { now }, { book, isDismissed: ({ rule }) => rule === dismissed }).recommendations
  const whole = advised([asleep, kept], 'aws-volume-gp2')
  expect(whole.map(({ finding }) => finding.rule)).toContain('instance-stopped-long')
  expect(advised([asleep, kept], 'aws-volume-on-stopped-instance')).toEqual([])
  const isDismissed = ({ rule, subject }: Finding) => rule === 'aws-volume-on-stopped-instance' && subject === kept
  const [one, ...more] = recommend([asleep, kept, other], { now }, { book, isDismissed }).recommendations
  expect([one?.finding.also, one?.saving.amount, more]).toEqual([[other], '26', []])
})
