import { expect, test } from 'vitest'
import { allRules } from './analyzers.ts'
import { judge } from './engine.ts'
import type { Subject } from './subject.ts'
import { daysAgo, now, some, steady } from './testing/subjects.ts'

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
