import { inTurns } from '../../../collect/concurrent.ts'
import { gbOf, pick, type Place, type Row, row } from './row.ts'

const loadBalancing = () => import('@aws-sdk/client-elastic-load-balancing-v2')
const classicLoadBalancing = () => import('@aws-sdk/client-elastic-load-balancing')
const ecs = () => import('@aws-sdk/client-ecs')
const eks = () => import('@aws-sdk/client-eks')

/** Of load balancers, Auto Scaling, Lambda, ECS, EKS and CloudWatch Logs. */
export const serviceRows: readonly Row[] = [
  row(
    'elasticloadbalancing:load-balancers',
    loadBalancing,
    balancerPages,
    (balancers) => balancers,
  )({
    kind: 'load_balancer',
    id: 'LoadBalancerArn',
    name: 'LoadBalancerName',
    type: 'Type',
    status: ({ State }) => State?.Code?.replace('_impaired', ''),
    createdAt: 'CreatedTime',
    keep: ['DNSName', 'LoadBalancerArn', 'Scheme', 'TargetGroups', 'VpcId'],
  }),
  // The older API, of Classic Load Balancers, has no ARNs and no state.
  row(
    'elasticloadbalancing:classic-load-balancers',
    classicLoadBalancing,
    (sdk, at) => sdk.paginateDescribeLoadBalancers({ client: at.client(sdk.ElasticLoadBalancingClient) }, {}),
    ({ LoadBalancerDescriptions }) => LoadBalancerDescriptions,
  )({
    kind: 'load_balancer',
    id: ({ LoadBalancerName }, at) => LoadBalancerName && at.arn(`loadbalancer/${LoadBalancerName}`),
    name: 'LoadBalancerName',
    type: () => 'classic',
    createdAt: 'CreatedTime',
    keep: ['CreatedTime', 'DNSName', 'Instances', 'LoadBalancerName', 'Scheme', 'VPCId'],
    more: ({ ListenerDescriptions = [] }) => ({ Listeners: ListenerDescriptions.map(({ Listener }) => Listener) }),
  }),
  row(
    'autoscaling:groups',
    () => import('@aws-sdk/client-auto-scaling'),
    (sdk, at) => sdk.paginateDescribeAutoScalingGroups({ client: at.client(sdk.AutoScalingClient) }, {}),
    ({ AutoScalingGroups }) => AutoScalingGroups,
  )({
    kind: 'scaling_group',
    id: 'AutoScalingGroupARN',
    name: 'AutoScalingGroupName',
    // AWS tells a status while it deletes the group.
    status: ({ Status }) => (Status === undefined ? 'available' : 'terminated'),
    createdAt: 'CreatedTime',
    keep: ['DesiredCapacity', 'HealthCheckType', 'MaxSize', 'MinSize', 'MixedInstancesPolicy'],
  }),
  row(
    'lambda:functions',
    () => import('@aws-sdk/client-lambda'),
    (sdk, at) => sdk.paginateListFunctions({ client: at.client(sdk.LambdaClient) }, {}),
    ({ Functions }) => Functions,
  )({
    kind: 'function',
    id: 'FunctionArn',
    aliases: ({ FunctionName }) => [FunctionName],
    name: 'FunctionName',
    type: ({ Runtime, PackageType }) => Runtime ?? PackageType,
    status: 'State',
    keep: [
      ...(['Architectures', 'CodeSize', 'EphemeralStorage', 'FunctionName', 'LastModified'] as const),
      ...(['MemorySize', 'Timeout'] as const),
    ],
  }),
  row(
    'ecs:clusters',
    ecs,
    async function* (sdk, at) {
      for await (const clusters of clusterPages(sdk, at))
        yield await at.client(sdk.ECSClient).send(new sdk.DescribeClustersCommand({ clusters }))
    },
    ({ clusters }) => clusters,
  )({
    kind: 'cluster',
    id: 'clusterArn',
    name: 'clusterName',
    type: () => 'ecs',
    status: 'status',
    keep: ['activeServicesCount', 'capacityProviders', 'registeredContainerInstancesCount', 'runningTasksCount'],
  }),
  row(
    'ecs:services',
    ecs,
    async function* (sdk, at) {
      const client = at.client(sdk.ECSClient)
      for await (const arns of clusterPages(sdk, at))
        for (const cluster of arns)
          for await (const { serviceArns = [] } of sdk.paginateListServices({ client, pageSize: 10 }, { cluster }))
            if (serviceArns.length > 0)
              yield await client.send(new sdk.DescribeServicesCommand({ cluster, services: serviceArns }))
    },
    ({ services }) => services,
  )({
    kind: 'container_service',
    id: 'serviceArn',
    name: 'serviceName',
    type: 'launchType',
    status: 'status',
    createdAt: 'createdAt',
    attachedTo: 'clusterArn',
    keep: [
      ...(['capacityProviderStrategy', 'clusterArn', 'desiredCount', 'runningCount'] as const),
      ...(['schedulingStrategy', 'serviceName', 'taskDefinition'] as const),
    ],
  }),
  row(
    'eks:clusters',
    eks,
    async function* (sdk, at) {
      const client = at.client(sdk.EKSClient)
      for await (const { clusters = [] } of sdk.paginateListClusters({ client }, {}))
        yield await inTurns(clusters, 4, async (name) => {
          const { cluster } = await client.send(new sdk.DescribeClusterCommand({ name }))
          return { ...cluster, nodegroups: await nodeGroups(sdk, at, name) }
        })
    },
    (clusters) => clusters,
  )({
    kind: 'cluster',
    id: 'arn',
    name: 'name',
    type: () => 'eks',
    status: 'status',
    createdAt: 'createdAt',
    tags: ({ tags }) => tags,
    keep: ['nodegroups', 'platformVersion', 'version'],
  }),
  row(
    'logs:groups',
    () => import('@aws-sdk/client-cloudwatch-logs'),
    (sdk, at) => sdk.paginateDescribeLogGroups({ client: at.client(sdk.CloudWatchLogsClient) }, {}),
    ({ logGroups }) => logGroups,
  )({
    kind: 'log_group',
    // Bills leave out the `:*` at the end of the older ARN.
    id: ({ logGroupArn, arn }) => logGroupArn ?? arn?.replace(/:\*$/, ''),
    aliases: ({ logGroupName }) => [logGroupName],
    name: 'logGroupName',
    type: 'logGroupClass',
    createdAt: ({ creationTime }) => (creationTime === undefined ? undefined : new Date(creationTime)),
    sizeGb: ({ storedBytes }) => gbOf(storedBytes),
    keep: ['logGroupName', 'retentionInDays', 'storedBytes'],
  }),
]

/** With the health of each target. */
async function* balancerPages(sdk: Awaited<ReturnType<typeof loadBalancing>>, at: Place) {
  const client = at.client(sdk.ElasticLoadBalancingV2Client)
  const pages = await Array.fromAsync(sdk.paginateDescribeTargetGroups({ client }, {}))
  const all = pages.flatMap(({ TargetGroups = [] }) => TargetGroups)
  const groups = await inTurns(all, 4, async (group) => {
    const { TargetGroupArn } = group
    const { TargetHealthDescriptions = [] } = await client.send(new sdk.DescribeTargetHealthCommand({ TargetGroupArn }))
    const Targets = TargetHealthDescriptions.map(({ Target, TargetHealth }) => ({
      Id: Target?.Id,
      State: TargetHealth?.State,
    }))
    return { arns: group.LoadBalancerArns ?? [], shown: { ...pick(group, 'TargetGroupArn', 'TargetType'), Targets } }
  })
  for await (const { LoadBalancers = [] } of sdk.paginateDescribeLoadBalancers({ client }, {}))
    yield LoadBalancers.map((balancer) => {
      const own = groups.filter(({ arns }) => arns.includes(balancer.LoadBalancerArn ?? ''))
      return { ...balancer, TargetGroups: own.map(({ shown }) => shown) }
    })
}

async function* clusterPages(sdk: Awaited<ReturnType<typeof ecs>>, at: Place): AsyncGenerator<string[]> {
  for await (const { clusterArns = [] } of sdk.paginateListClusters({ client: at.client(sdk.ECSClient) }, {}))
    if (clusterArns.length > 0) yield clusterArns
}

async function nodeGroups(sdk: Awaited<ReturnType<typeof eks>>, at: Place, clusterName: string) {
  const client = at.client(sdk.EKSClient)
  const pages = await Array.fromAsync(sdk.paginateListNodegroups({ client }, { clusterName }))
  const names = pages.flatMap(({ nodegroups = [] }) => nodegroups)
  return await inTurns(names, 4, async (nodegroupName) => {
    const { nodegroup = {} } = await client.send(new sdk.DescribeNodegroupCommand({ clusterName, nodegroupName }))
    const autoScalingGroups = nodegroup.resources?.autoScalingGroups?.map(({ name }) => name)
    const shown = pick(nodegroup, 'nodegroupName', 'capacityType', 'diskSize', 'instanceTypes', 'scalingConfig')
    return { ...shown, autoScalingGroups }
  })
}
