import { Random } from '@cloudoptima/sample'
import { Refusal } from '../answers.ts'
import { exists, isIdle } from '../load.ts'
import { changeOf, type Operation, type Question } from './operation.ts'
import { acting, named } from './power.ts'
import { filterOf, valuesOf } from './query.ts'
import { type AwsResource, tagsOf } from './resource.ts'
import { each, listing } from './rows.ts'
import { end, made } from './storage.ts'

const type = 'elasticloadbalancing:loadbalancer'
const idOf = (prefix: string, { key }: AwsResource, part: number) =>
  `${prefix}-${Random.hex(Random.mix(key, part), 17)}`
const subnetOf = (one: AwsResource) => idOf('subnet', one, 71)

/** The target group of a load balancer, which outlives it. */
const targetsOf = ({ account, region, name, key }: AwsResource): string =>
  `arn:aws:elasticloadbalancing:${region}:${account}:targetgroup/${name}/${Random.hex(Random.mix(key, 72), 16)}`

const vpcOf = (one: AwsResource) => idOf('vpc', one, 73)
const tableOf = ({ id }: AwsResource) => id.replace('nat-', 'rtb-')

/** The gateways of the bill, which keep their route tables after their end by a call. */
const routed = ({ aws, account, region }: Question) =>
  aws.resources.filter(
    (one) =>
      one.type === 'ec2:natgateway' &&
      one.madeAt === undefined &&
      one.account === account &&
      one.region === region &&
      exists(one, aws.now()),
  )

const routeTable = (one: AwsResource): object => ({
  RouteTableId: tableOf(one),
  VpcId: vpcOf(one),
  Routes: [{ DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: one.routedTo ?? one.id }],
})

const natGateway = (one: AwsResource): object => ({
  NatGatewayId: one.id,
  ConnectivityType: 'public',
  State: 'available',
  SubnetId: subnetOf(one),
  VpcId: vpcOf(one),
  NatGatewayAddresses: [{ AllocationId: idOf('eipalloc', one, 74), IsPrimary: true }],
  CreateTime: one.createdAt,
  Tags: tagsOf(one.tags),
})

const balancer = (one: AwsResource): object => ({
  LoadBalancerArn: one.arn,
  LoadBalancerName: one.name,
  DNSName: `${one.name}-${Random.hex(Random.mix(one.createdAt.getTime(), 75), 9)}.${one.region}.elb.amazonaws.com`,
  Type: 'application',
  Scheme: 'internet-facing',
  IpAddressType: 'ipv4',
  SecurityGroups: [idOf('sg', one, 76)],
  AvailabilityZones: ['a', 'b'].map((zone, n) => ({
    ZoneName: `${one.region}${zone}`,
    SubnetId: idOf('subnet', one, 77 + n),
  })),
  State: { Code: 'active' },
  CreatedTime: one.createdAt,
})

const listenerArn = ({ arn }: AwsResource) => `${arn.replace(':loadbalancer/', ':listener/')}/1`

/** One that a call has made has no listener yet. */
const listeners = (one: AwsResource): object[] =>
  one.lacksListener
    ? []
    : [
        {
          ListenerArn: listenerArn(one),
          LoadBalancerArn: one.arn,
          Protocol: 'HTTP',
          Port: 80,
          DefaultActions: [{ Type: 'forward', TargetGroupArn: targetsOf(one) }],
        },
      ]

const balancerIn = (question: Question): AwsResource => {
  const found = question.all(type).find(({ arn }) => arn === question.input['LoadBalancerArn'])
  if (!found) throw new Refusal('LoadBalancerNotFound', 400)
  return found
}

/** Deleted ones, which an undo makes again. */
const ended = ({ aws, account }: Question, kind: string) =>
  aws.resources.filter((one) => one.type === kind && one.account === account && one.endedAt !== undefined)

/** The tags of what a call makes. */
function tagsIn(input: Question['input']): Record<string, string> {
  const keys = Object.entries(input).filter(([name]) => /^Tags\.member\.\d+\.Key$/.test(name))
  return Object.fromEntries(keys.map(([name, key]) => [String(key), String(input[name.replace(/Key$/, 'Value')])]))
}

function balancers({ all, input }: Question): AwsResource[] {
  const [arns, names] = [valuesOf(input, 'LoadBalancerArns.member'), valuesOf(input, 'Names.member')]
  if (arns.length + names.length === 0) return all(type)
  const found = all(type).filter(({ arn, name }) => arns.includes(arn) || names.includes(name))
  if (found.length === 0) throw new Refusal('LoadBalancerNotFound', 400)
  return found
}

/** An idle balancer has no targets. */
function targetHealth(question: Question): object {
  const { TargetGroupArn } = question.input
  const one = question.all(type).find((each) => targetsOf(each) === TargetGroupArn)
  if (!one) throw new Refusal('TargetGroupNotFound', 400)
  const targets = question.all('ec2:instance').filter(({ name }) => /-(web|api)-/.test(name))
  const TargetHealth = { State: 'healthy' }
  return {
    TargetHealthDescriptions: (isIdle(one) ? [] : targets.slice(0, 3)).map(({ id }) => ({
      Target: { Id: id },
      TargetHealth,
    })),
  }
}

/** Load balancers with one listener, and NAT gateways with one route. */
export const networks: Record<string, Operation> = {
  ...each('ec2:DescribeNatGateways', 'NatGateways', 'ec2:natgateway', natGateway, {
    ids: 'NatGatewayId',
    missing: 'NatGatewayNotFound',
  }),
  'ec2:DescribeRouteTables': (question) => {
    const { input } = question
    const [ids, [vpc] = []] = [valuesOf(input, 'RouteTableId'), filterOf(input, 'vpc-id')]
    const asked = routed(question)
      .filter((one) => ids.length === 0 || ids.includes(tableOf(one)))
      .filter((one) => vpc === undefined || vpcOf(one) === vpc)
    return { RouteTables: asked.map(routeTable) }
  },
  'ec2:ReplaceRoute': acting((question) => {
    const { aws, input } = question
    const one = routed(question).find((each) => tableOf(each) === input['RouteTableId'])
    if (!one) throw new Refusal('InvalidRouteTableID.NotFound', 400)
    const { id } = named(question, 'ec2:natgateway', input['NatGatewayId'], 'InvalidNatGatewayID.NotFound')
    changeOf(aws, one, { routedTo: id })
    return {}
  }),
  'ec2:DeleteNatGateway': acting((question) =>
    end(question, named(question, 'ec2:natgateway', question.input['NatGatewayId'], 'NatGatewayNotFound')),
  ),
  'ec2:CreateNatGateway': acting((question) => {
    const old = ended(question, 'ec2:natgateway').find((one) => subnetOf(one) === question.input['SubnetId'])
    if (!old) throw new Refusal('InvalidSubnetID.NotFound', 400)
    return { NatGateway: natGateway(made(question, old, 'natgateway', 'nat', {})) }
  }),
  ...listing('elasticloadbalancing:DescribeLoadBalancers', 'LoadBalancers', (question) =>
    // The company has no Classic Load Balancers, whose older API has the same call.
    question.input['Version'] === '2012-06-01' ? [] : balancers(question).map(balancer),
  ),
  ...listing('elasticloadbalancing:DescribeTargetGroups', 'TargetGroups', ({ all }) =>
    all(type).map((one) => ({
      TargetGroupArn: targetsOf(one),
      TargetType: 'instance',
      LoadBalancerArns: listeners(one).length > 0 ? [one.arn] : [],
    })),
  ),
  'elasticloadbalancing:DescribeTargetHealth': targetHealth,
  'elasticloadbalancing:DescribeLoadBalancerAttributes': () => ({
    Attributes: [
      { Key: 'deletion_protection.enabled', Value: 'false' },
      { Key: 'idle_timeout.timeout_seconds', Value: '60' },
    ],
  }),
  'elasticloadbalancing:DescribeListeners': (question) => ({ Listeners: listeners(balancerIn(question)) }),
  'elasticloadbalancing:DescribeListenerAttributes': () => ({ Attributes: [] }),
  'elasticloadbalancing:DescribeRules': () => ({ Rules: [{ Priority: 'default', IsDefault: true }] }),
  'elasticloadbalancing:DescribeTags': ({ all, input }) => {
    const arns = new Set(valuesOf(input, 'ResourceArns.member'))
    const asked = all(type).filter(({ arn }) => arns.has(arn))
    return { TagDescriptions: asked.map(({ arn, tags }) => ({ ResourceArn: arn, Tags: tagsOf(tags) })) }
  },
  'elasticloadbalancing:RemoveTags': acting((question) => {
    const { all, aws, input } = question
    const [arns, keys] = [valuesOf(input, 'ResourceArns.member'), valuesOf(input, 'TagKeys.member')]
    for (const one of all(type).filter(({ arn }) => arns.includes(arn)))
      changeOf(aws, one, { tags: Object.fromEntries(Object.entries(one.tags).filter(([key]) => !keys.includes(key))) })
    return {}
  }),
  'elasticloadbalancing:DeleteLoadBalancer': acting((question) => end(question, balancerIn(question))),
  'elasticloadbalancing:CreateLoadBalancer': acting((question) => {
    const { aws, input, all } = question
    const old = ended(question, type).find(({ name }) => name === input['Name'])
    if (!old || all(type).some(({ name }) => name === input['Name']))
      throw new Refusal('DuplicateLoadBalancerName', 400)
    const id = `app/${old.name}/${Random.hex(Random.mix(old.key, aws.created.length + 78), 16)}`
    const [createdAt, tags] = [aws.now(), tagsIn(input)]
    const arn = old.arn.replace(old.id, id)
    const one = { ...old, id, arn, tags, createdAt, endDay: Infinity, endedAt: undefined, lacksListener: true }
    aws.created.push({ ...one, madeAt: createdAt.getTime() })
    return { LoadBalancers: [balancer(one)] }
  }),
  'elasticloadbalancing:CreateListener': acting((question) => {
    const one = balancerIn(question)
    changeOf(question.aws, one, { lacksListener: false })
    return { Listeners: listeners(one) }
  }),
}
