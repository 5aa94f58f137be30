import { Random } from '@cloudoptima/sample'
import { isIdle } from '../load.ts'
import { commitmentsOf } from './databases.ts'
import { list, type Operation, type Question, Refusal } from './operation.ts'

const markers = ['Marker', 'NextMarker'] as const
const nextToken = ['nextToken', 'nextToken'] as const
const balancersOf = ({ all }: Question) => all('elasticloadbalancing:loadbalancer')
const targetsArn = (balancer: string) => `${balancer.replace(':loadbalancer/app/', ':targetgroup/')}0`

/** Of load balancers, Lambda, ECS, EKS, CloudWatch Logs, Savings Plans and tags. */
export const services: Record<string, Operation> = {
  'elasticloadbalancing:DescribeLoadBalancers': list('LoadBalancers', markers, (question) =>
    balancersOf(question).map(({ arn, name, createdAt, region }) => ({
      LoadBalancerArn: arn,
      LoadBalancerName: name,
      Type: 'application',
      Scheme: 'internet-facing',
      State: { Code: 'active' },
      CreatedTime: createdAt,
      DNSName: `${name}.${region}.elb.amazonaws.com`,
    })),
  ),
  'elasticloadbalancing:DescribeTargetGroups': list('TargetGroups', markers, (question) =>
    balancersOf(question).map(({ arn }) => ({
      TargetGroupArn: targetsArn(arn),
      TargetType: 'instance',
      LoadBalancerArns: [arn],
    })),
  ),
  // An idle balancer has no targets.
  'elasticloadbalancing:DescribeTargetHealth': (question) => {
    const balancer = balancersOf(question).find(({ arn }) => targetsArn(arn) === question.input['TargetGroupArn'])
    if (!balancer) throw new Refusal('TargetGroupNotFound', 400)
    const targets = question.all('ec2:instance').filter(({ name }) => /-(web|api)-/.test(name))
    return {
      TargetHealthDescriptions: (isIdle(balancer) ? [] : targets.slice(0, 3)).map(({ id }) => ({
        Target: { Id: id },
        TargetHealth: { State: 'healthy' },
      })),
    }
  },
  'lambda:ListFunctions': list('Functions', markers, ({ all }) =>
    all('lambda:function').map(({ id, arn, key, createdAt }) => ({
      FunctionName: id,
      FunctionArn: arn,
      Runtime: 'nodejs24.x',
      PackageType: 'Zip',
      MemorySize: 128 * 2 ** (key % 5),
      Timeout: 30,
      CodeSize: 1_000_000 + (key % 9_000_000),
      LastModified: createdAt.toISOString(),
      Architectures: ['x86_64'],
      State: 'Active',
    })),
  ),
  // Bills name the tasks of Fargate, which no list has.
  'ecs:ListClusters': () => ({ clusterArns: [] }),
  'eks:ListClusters': list('clusters', nextToken, ({ all }) => all('eks:cluster').map(({ id }) => id)),
  'eks:DescribeCluster': ({ input, all }) => {
    const cluster = all('eks:cluster').find(({ id }) => id === input['name'])
    if (!cluster) throw new Refusal('ResourceNotFoundException', 404)
    const { id, arn, createdAt, tags, key } = cluster
    return { cluster: { name: id, arn, createdAt, tags, status: 'ACTIVE', version: `1.${29 + (key % 4)}` } }
  },
  'eks:ListNodegroups': () => ({ nodegroups: [] }),
  'logs:DescribeLogGroups': list('logGroups', nextToken, ({ all }) =>
    all('logs:log-group').map(({ id, arn, key, createdAt }) => ({
      logGroupName: id,
      logGroupArn: arn,
      arn: `${arn}:*`,
      logGroupClass: 'STANDARD',
      creationTime: createdAt.getTime(),
      storedBytes: Random.mix(key, 61) * 50,
      // Without it, logs are kept for ever.
      ...(key % 3 === 0 && { retentionInDays: 30 }),
    })),
  ),
  'savingsplans:DescribeSavingsPlans': list('savingsPlans', nextToken, (question) =>
    commitmentsOf(question, 'savingsplans').map(({ id, start, seconds, hourly }) => ({
      savingsPlanArn: id,
      savingsPlanId: id.slice(id.lastIndexOf('/') + 1),
      savingsPlanType: 'Compute',
      state: 'active',
      start: start.toISOString(),
      end: new Date(start.getTime() + seconds * 1000).toISOString(),
      commitment: hourly,
      currency: 'USD',
      paymentOption: 'No Upfront',
      productTypes: ['EC2', 'Fargate', 'Lambda'],
      termDurationInSeconds: seconds,
    })),
  ),
  'tag:GetResources': list('ResourceTagMappingList', ['PaginationToken', 'PaginationToken'], ({ input, all }) =>
    (input['ResourceTypeFilters'] as string[])
      .flatMap((type) => all(type))
      .map(({ arn, tags }) => ({
        ResourceARN: arn,
        Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      })),
  ),
}
