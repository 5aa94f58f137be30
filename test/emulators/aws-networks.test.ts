import type { ActionTarget, ResourceKind } from '@cloudoptima/core'
import type { AwsRequest } from '@cloudoptima/providers/testing/aws'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Account, contractOf, type Fields, moto, protection, region, tagsOf } from './acting.ts'

// The actions on networks, groups and snapshots of AWS, in accounts of moto.

const ec2 = (account: Account, command: string, input: object) => account.make('ec2', 'EC2', command, input)
const elb = ({ make }: Account, command: string, input: object) =>
  make('elastic-load-balancing-v2', 'ElasticLoadBalancingV2', command, input)
const target = (kind: ResourceKind, id: string): ActionTarget => ({ id, kind, region })

async function subnetsOf(account: Account) {
  const { Subnets } = await ec2(account, 'DescribeSubnets', {})
  return (Subnets as { SubnetId: string; VpcId: string }[]).toSorted((a, b) => a.SubnetId.localeCompare(b.SubnetId))
}

interface Balancer {
  isNetwork: boolean
  /** What keeps it from deletion. */
  guard: 'none' | 'tag' | 'attribute'
  rules: number[]
  attributes: { Key: string; Value: string }[]
}

async function balancer(account: Account, given: Balancer): Promise<ActionTarget> {
  const { isNetwork, guard, rules, attributes } = given
  const [one, two] = await subnetsOf(account)
  const { LoadBalancers } = await elb(account, 'CreateLoadBalancer', {
    Name: 'shop',
    Type: isNetwork ? 'network' : 'application',
    Scheme: 'internal',
    Subnets: [one?.SubnetId, two?.SubnetId],
    Tags: tagsOf(guard === 'tag'),
  })
  const [{ LoadBalancerArn = '' } = {}] = LoadBalancers as { LoadBalancerArn?: string }[]
  const Protocol = isNetwork ? 'TCP' : 'HTTP'
  const group = { Name: 'web', Protocol, Port: 80, VpcId: one?.VpcId }
  const { TargetGroups } = await elb(account, 'CreateTargetGroup', group)
  const [{ TargetGroupArn = '' } = {}] = TargetGroups as { TargetGroupArn?: string }[]
  const forward = { Type: 'forward', TargetGroupArn }
  const Tags = [{ Key: 'Part', Value: 'web' }]
  for (const Port of [80, 8080]) {
    const asked = { LoadBalancerArn, Protocol, Port, DefaultActions: [forward], ...(Port === 80 && { Tags }) }
    const { Listeners } = await elb(account, 'CreateListener', asked)
    const [{ ListenerArn } = { ListenerArn: '' }] = Listeners as { ListenerArn: string }[]
    for (const Priority of isNetwork ? [] : rules) {
      const redirect = { Type: 'redirect', RedirectConfig: { Path: `/${Priority}`, StatusCode: 'HTTP_301' } }
      const Conditions = [{ Field: 'path-pattern', PathPatternConfig: { Values: [`/old/${Priority}`] } }]
      await elb(account, 'CreateRule', { ListenerArn, Priority, Conditions, Actions: [redirect], Tags })
    }
  }
  const Attributes = [
    ...(isNetwork ? [] : attributes),
    ...(guard === 'attribute' ? [{ Key: 'deletion_protection.enabled', Value: 'true' }] : []),
  ]
  if (Attributes.length > 0) await elb(account, 'ModifyLoadBalancerAttributes', { LoadBalancerArn, Attributes })
  return target('load_balancer', LoadBalancerArn)
}

interface Gateway {
  isPrivate: boolean
  isProtected: boolean
  tables: number
}

async function gateway(account: Account, { isPrivate, isProtected, tables }: Gateway): Promise<ActionTarget> {
  const [subnet] = await subnetsOf(account)
  const { AllocationId } = isPrivate ? {} : await ec2(account, 'AllocateAddress', { Domain: 'vpc' })
  const { NatGateway } = await ec2(account, 'CreateNatGateway', {
    SubnetId: subnet?.SubnetId,
    ...(isPrivate ? { ConnectivityType: 'private' } : { AllocationId }),
    TagSpecifications: [{ ResourceType: 'natgateway', Tags: tagsOf(isProtected) }],
  })
  const { NatGatewayId = '' } = NatGateway as { NatGatewayId?: string }
  for (let table = 0; table < tables; table++) {
    const { RouteTable } = await ec2(account, 'CreateRouteTable', { VpcId: subnet?.VpcId })
    const { RouteTableId } = RouteTable as { RouteTableId: string }
    for (const DestinationCidrBlock of ['0.0.0.0/0', '10.9.0.0/16'])
      await ec2(account, 'CreateRoute', { RouteTableId, DestinationCidrBlock, NatGatewayId })
  }
  return target('nat_gateway', `arn:aws:ec2:${region}:${account.id}:natgateway/${NatGatewayId}`)
}

/** Gateways by their tags, and addresses and routes without the ids that change. */
async function networkOf(account: Account) {
  const { NatGateways } = await ec2(account, 'DescribeNatGateways', {})
  const { Addresses } = await ec2(account, 'DescribeAddresses', {})
  const { RouteTables } = await ec2(account, 'DescribeRouteTables', {})
  const alive = (NatGateways as Fields[]).filter(({ State }) => State === 'available')
  const idOf = ({ NatGatewayId }: Fields) => (alive.some((one) => one['NatGatewayId'] === NatGatewayId) ? 'it' : 'gone')
  return {
    gateways: alive.map(({ SubnetId, VpcId, Tags }) => [SubnetId, VpcId, Tags]),
    addresses: (Addresses as Fields[]).map(({ AllocationId, PublicIp, Tags }) => [AllocationId, PublicIp, Tags]),
    tables: (RouteTables as { RouteTableId: string; Routes: Fields[] }[]).map(({ RouteTableId, Routes }) => ({
      RouteTableId,
      routes: Routes.map((route) => [route['DestinationCidrBlock'], route['NatGatewayId'] && idOf(route)]),
    })),
  }
}

/** The addresses of a deleted gateway are free, and moto keeps them. */
async function freed({ call }: AwsRequest, account: Account): Promise<undefined> {
  if (call !== 'ec2:CreateNatGateway') return
  const { NatGateways } = await ec2(account, 'DescribeNatGateways', {})
  for (const { State, NatGatewayAddresses } of NatGateways as Fields[]) {
    const [{ AssociationId } = {}] = NatGatewayAddresses as Fields[]
    const { Addresses } = await ec2(account, 'DescribeAddresses', {})
    const isKept = (Addresses as Fields[]).some((address) => address['AssociationId'] === AssociationId)
    if (State === 'deleted' && AssociationId !== undefined && isKept)
      await ec2(account, 'DisassociateAddress', { AssociationId })
  }
}

describe.skipIf(moto === '')('in accounts of moto', () => {
  test('delete-load-balancer', async () => {
    const kept = contractOf({
      action: 'delete-load-balancer',
      given: fc.record({
        isNetwork: fc.constantFrom(false, false, true),
        guard: fc.constantFrom('none', 'none', 'none', 'none', 'tag', 'attribute'),
        rules: fc.subarray([1, 20, 300], { minLength: 1 }),
        attributes: fc.subarray([
          { Key: 'idle_timeout.timeout_seconds', Value: '120' },
          { Key: 'routing.http2.enabled', Value: 'false' },
        ]),
      }),
      made: balancer,
      world: async (account) => {
        const { TargetGroups } = await elb(account, 'DescribeTargetGroups', {})
        return (TargetGroups as Fields[]).map(({ LoadBalancerArns: _arns, ...group }) => group)
      },
    })
    await expect(kept).resolves.toBeUndefined()
  }, 240_000)

  test('delete-nat-gateway', async () => {
    const kept = contractOf({
      action: 'delete-nat-gateway',
      given: fc.record({ isPrivate: fc.boolean(), isProtected: protection, tables: fc.nat(2) }),
      made: gateway,
      world: networkOf,
      answer: freed,
    })
    await expect(kept).resolves.toBeUndefined()
  }, 240_000)

  test('scale-group', async () => {
    const kept = contractOf({
      action: 'scale-group',
      given: fc.record({
        now: fc.integer({ min: 1, max: 4 }),
        parameters: fc.record(
          { desired: fc.integer({ min: 0, max: 6 }), minimum: fc.constantFrom(0, 1), maximum: fc.constant(8) },
          { requiredKeys: ['desired'] },
        ),
        isProtected: protection,
      }),
      made: async (account, { now, isProtected }) => {
        const autoscaling = (command: string, input: object) =>
          account.make('auto-scaling', 'AutoScaling', command, input)
        const { Images } = await ec2(account, 'DescribeImages', {})
        const launch = {
          ImageId: (Images as { ImageId: string }[])[0]?.ImageId ?? 'ami-12c6146b',
          InstanceType: 'm5.large',
        }
        await autoscaling('CreateLaunchConfiguration', { LaunchConfigurationName: 'web', ...launch })
        await autoscaling('CreateAutoScalingGroup', {
          AutoScalingGroupName: 'web',
          LaunchConfigurationName: 'web',
          MinSize: 1,
          MaxSize: 5,
          DesiredCapacity: now,
          AvailabilityZones: [`${region}a`],
          Tags: tagsOf(isProtected).map((tag) => ({ ...tag, PropagateAtLaunch: false })),
        })
        const name = `autoScalingGroupName/web`
        return target('scaling_group', `arn:aws:autoscaling:${region}:${account.id}:autoScalingGroup:1:${name}`)
      },
      parameters: (given) => given.parameters,
    })
    await expect(kept).resolves.toBeUndefined()
  }, 240_000)
})
