import { inTurns } from '../../../collect/concurrent.ts'
import { described, gbOf, pick, type Place, type Row, row } from './row.ts'

const eks = () => import('@aws-sdk/client-eks')

/** Of load balancers, Lambda, ECS, EKS and CloudWatch Logs. */
export const serviceRows: readonly Row[] = [
  row(
    'elasticloadbalancing:load-balancers',
    loadBalancing,
    async function* (sdk, at) {
      const client = at.client(sdk.ElasticLoadBalancingV2Client)
      const groups = await targetGroups(sdk, at)
      for await (const { LoadBalancers = [] } of sdk.paginateDescribeLoadBalancers({ client }, {}))
        yield LoadBalancers.map((balancer) => ({
          balancer,
          groups: groups.filter(({ LoadBalancerArns }) => LoadBalancerArns?.includes(balancer.LoadBalancerArn ?? '')),
        }))
    },
    (balancers, at) =>
      balancers.flatMap(({ balancer, groups }) =>
        described(at, {
          id: balancer.LoadBalancerArn,
          kind: 'load_balancer',
          name: balancer.LoadBalancerName,
          type: balancer.Type,
          status: balancer.State?.Code?.startsWith('active') ? 'available' : balancer.State?.Code,
          createdAtDate: balancer.CreatedTime,
          configuration: {
            ...pick(balancer, 'DNSName', 'LoadBalancerArn', 'Scheme', 'VpcId'),
            TargetGroups: groups.map(({ LoadBalancerArns: _, ...group }) => group),
          },
        }),
      ),
  ),
  row(
    'lambda:functions',
    () => import('@aws-sdk/client-lambda'),
    (sdk, at) => sdk.paginateListFunctions({ client: at.client(sdk.LambdaClient) }, {}),
    ({ Functions = [] }, at) =>
      Functions.flatMap((code) =>
        described(at, {
          id: code.FunctionArn,
          aliases: [code.FunctionName ?? ''],
          kind: 'function',
          name: code.FunctionName,
          type: code.Runtime ?? code.PackageType,
          status: code.State?.toLowerCase().replace('active', 'available'),
          configuration: {
            ...pick(code, 'Architectures', 'CodeSize', 'EphemeralStorage', 'FunctionName', 'LastModified'),
            ...pick(code, 'MemorySize', 'Timeout'),
          },
        }),
      ),
  ),
  row('ecs:clusters', ecs, clusterPages, async (arns, at, sdk) => {
    const { clusters = [] } = await at.client(sdk.ECSClient).send(new sdk.DescribeClustersCommand({ clusters: arns }))
    return clusters.flatMap((cluster) =>
      described(at, {
        id: cluster.clusterArn,
        kind: 'cluster',
        name: cluster.clusterName,
        type: 'ecs',
        status: statusOf(cluster.status),
        configuration: {
          ...pick(cluster, 'activeServicesCount', 'capacityProviders', 'registeredContainerInstancesCount'),
          ...pick(cluster, 'runningTasksCount'),
        },
      }),
    )
  }),
  row(
    'ecs:services',
    ecs,
    async function* (sdk, at) {
      const client = at.client(sdk.ECSClient)
      for await (const arns of clusterPages(sdk, at))
        for (const cluster of arns)
          for await (const { serviceArns = [] } of sdk.paginateListServices({ client, pageSize: 10 }, { cluster }))
            if (serviceArns.length > 0) yield { cluster, services: serviceArns }
    },
    async (page, at, sdk) => {
      const { services = [] } = await at.client(sdk.ECSClient).send(new sdk.DescribeServicesCommand(page))
      return services.flatMap((service) =>
        described(at, {
          id: service.serviceArn,
          kind: 'container_service',
          name: service.serviceName,
          type: service.launchType,
          status: statusOf(service.status),
          createdAtDate: service.createdAt,
          attachedTo: service.clusterArn,
          configuration: {
            ...pick(service, 'capacityProviderStrategy', 'desiredCount', 'runningCount', 'schedulingStrategy'),
            ...pick(service, 'clusterArn', 'serviceName', 'taskDefinition'),
          },
        }),
      )
    },
  ),
  row(
    'eks:clusters',
    eks,
    (sdk, at) => sdk.paginateListClusters({ client: at.client(sdk.EKSClient) }, {}),
    async ({ clusters = [] }, at, sdk) => {
      const client = at.client(sdk.EKSClient)
      const found = await inTurns(clusters, 4, async (name) => {
        const [{ cluster = {} }, nodegroups] = await Promise.all([
          client.send(new sdk.DescribeClusterCommand({ name })),
          nodeGroups(at, sdk, name),
        ])
        return described(at, {
          id: cluster.arn,
          kind: 'cluster',
          name: cluster.name,
          type: 'eks',
          status: statusOf(cluster.status),
          createdAtDate: cluster.createdAt,
          tags: cluster.tags ?? {},
          configuration: { ...pick(cluster, 'version', 'platformVersion'), nodegroups },
        })
      })
      return found.flat()
    },
  ),
  row(
    'logs:groups',
    () => import('@aws-sdk/client-cloudwatch-logs'),
    (sdk, at) => sdk.paginateDescribeLogGroups({ client: at.client(sdk.CloudWatchLogsClient) }, {}),
    ({ logGroups = [] }, at) =>
      logGroups.flatMap((group) =>
        described(at, {
          // Bills leave out the `:*` at the end of the older ARN.
          id: group.logGroupArn ?? group.arn?.replace(/:\*$/, ''),
          aliases: [group.logGroupName ?? ''],
          kind: 'log_group',
          name: group.logGroupName,
          type: group.logGroupClass,
          createdAtDate: group.creationTime === undefined ? undefined : new Date(group.creationTime),
          sizeGb: gbOf(group.storedBytes),
          configuration: pick(group, 'logGroupName', 'retentionInDays', 'storedBytes'),
        }),
      ),
  ),
]

function loadBalancing() {
  return import('@aws-sdk/client-elastic-load-balancing-v2')
}

/** With the health of each target. */
async function targetGroups(sdk: Awaited<ReturnType<typeof loadBalancing>>, at: Place) {
  const client = at.client(sdk.ElasticLoadBalancingV2Client)
  const pages = await Array.fromAsync(sdk.paginateDescribeTargetGroups({ client }, {}))
  return await inTurns(
    pages.flatMap(({ TargetGroups = [] }) => TargetGroups),
    4,
    async (group) => {
      const { TargetGroupArn } = group
      const { TargetHealthDescriptions = [] } = await client.send(
        new sdk.DescribeTargetHealthCommand({ TargetGroupArn }),
      )
      return {
        ...pick(group, 'LoadBalancerArns', 'TargetGroupArn', 'TargetType'),
        Targets: TargetHealthDescriptions.map(({ Target, TargetHealth }) => ({
          Id: Target?.Id,
          State: TargetHealth?.State,
        })),
      }
    },
  )
}

function ecs() {
  return import('@aws-sdk/client-ecs')
}

async function* clusterPages(sdk: Awaited<ReturnType<typeof ecs>>, at: Place): AsyncGenerator<string[]> {
  for await (const { clusterArns = [] } of sdk.paginateListClusters({ client: at.client(sdk.ECSClient) }, {}))
    if (clusterArns.length > 0) yield clusterArns
}

async function nodeGroups(at: Place, sdk: Awaited<ReturnType<typeof eks>>, clusterName: string) {
  const client = at.client(sdk.EKSClient)
  const pages = await Array.fromAsync(sdk.paginateListNodegroups({ client }, { clusterName }))
  const names = pages.flatMap(({ nodegroups = [] }) => nodegroups)
  return await inTurns(names, 4, async (nodegroupName) => {
    const { nodegroup = {} } = await client.send(new sdk.DescribeNodegroupCommand({ clusterName, nodegroupName }))
    const { resources, ...rest } = nodegroup
    return {
      ...pick(rest, 'nodegroupName', 'capacityType', 'diskSize', 'instanceTypes', 'scalingConfig', 'status'),
      autoScalingGroups: resources?.autoScalingGroups?.map(({ name }) => name),
    }
  })
}

function statusOf(status = 'ACTIVE'): string {
  return status === 'ACTIVE' ? 'available' : status === 'INACTIVE' ? 'terminated' : status.toLowerCase()
}
