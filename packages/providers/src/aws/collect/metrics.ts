import { type Resource, type ResourceKind, Rules, type UtilizationMetric } from '@cloudoptima/core'

/** A resource that has metrics. */
export type Measured = Pick<Resource, 'id' | 'kind' | 'region' | 'type' | 'configuration'>

/**
 * `level`: average and maximum of the hour. `sum`: its sum; rows of one metric are added up. `count`: a sum that AWS
 * reports only above 0, so that an hour without it is 0. `free`: bytes of the memory, which become the percentage in use.
 */
export type Way = 'level' | 'sum' | 'count' | 'free'

/** A metric of CloudWatch that becomes a metric of ours. */
export interface MetricRow {
  kind: ResourceKind
  metric: UtilizationMetric
  Namespace: string
  MetricName: string
  as: Way
  dimensions(resource: Measured): Record<string, string> | undefined
}

type Dimensions = MetricRow['dimensions']
type Names = readonly (readonly [metric: UtilizationMetric, as: MetricRow['as'], MetricName: string])[]

const rows = (kind: ResourceKind, Namespace: string, dimensions: Dimensions, names: Names): MetricRow[] =>
  names.map(([metric, as, MetricName]) => ({ kind, metric, Namespace, MetricName, as, dimensions }))

const field =
  (dimension: string, name: string): Dimensions =>
  ({ configuration: { [name]: value } }) =>
    typeof value === 'string' ? { [dimension]: value } : undefined

/** The end of a balancer's ARN: `app/name/50dc6c495c0c9188`. */
const balancer =
  (type: 'app' | 'net'): Dimensions =>
  ({ id }) => {
    const [, name] = id.split(':loadbalancer/')
    return name?.startsWith(`${type}/`) ? { LoadBalancer: name } : undefined
  }

const classicBalancer: Dimensions = (resource) =>
  resource.type === 'classic' ? field('LoadBalancerName', 'LoadBalancerName')(resource) : undefined

const service: Dimensions = ({ configuration: { clusterArn, serviceName } }) =>
  typeof clusterArn === 'string' && typeof serviceName === 'string'
    ? { ClusterName: clusterArn.slice(clusterArn.lastIndexOf('/') + 1), ServiceName: serviceName }
    : undefined

/** `arn:aws:eks:eu-west-1:222222222222:cluster/shop` */
const eksCluster: Dimensions = ({ id, type }) =>
  type === 'eks' ? { ClusterName: id.slice(id.lastIndexOf('/') + 1) } : undefined

/**
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html, and of the nodes
 * of a cluster https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-EKS.html
 */
export const metricRows: readonly MetricRow[] = [
  ...rows('instance', 'AWS/EC2', ({ id }) => ({ InstanceId: id }), [
    ['cpu', 'level', 'CPUUtilization'],
    ['network_in', 'sum', 'NetworkIn'],
    ['network_out', 'sum', 'NetworkOut'],
  ]),
  ...rows('volume', 'AWS/EBS', ({ id }) => ({ VolumeId: id }), [
    ['disk_read', 'sum', 'VolumeReadBytes'],
    ['disk_write', 'sum', 'VolumeWriteBytes'],
    ['disk_operations', 'sum', 'VolumeReadOps'],
    ['disk_operations', 'sum', 'VolumeWriteOps'],
  ]),
  ...rows('database', 'AWS/RDS', field('DBInstanceIdentifier', 'DBInstanceIdentifier'), [
    ['cpu', 'level', 'CPUUtilization'],
    ['memory', 'free', 'FreeableMemory'],
    ['connections', 'level', 'DatabaseConnections'],
  ]),
  ...rows('cache', 'AWS/ElastiCache', field('CacheClusterId', 'CacheClusterId'), [
    ['cpu', 'level', 'CPUUtilization'],
    ['memory', 'level', 'DatabaseMemoryUsagePercentage'],
    ['connections', 'level', 'CurrConnections'],
  ]),
  ...rows('load_balancer', 'AWS/ApplicationELB', balancer('app'), [
    ['requests', 'sum', 'RequestCount'],
    ['connections', 'sum', 'ActiveConnectionCount'],
    ['errors', 'sum', 'HTTPCode_ELB_5XX_Count'],
  ]),
  ...rows('load_balancer', 'AWS/NetworkELB', balancer('net'), [
    ['connections', 'level', 'ActiveFlowCount'],
    ['network_in', 'sum', 'ProcessedBytes'],
  ]),
  // Of a listener for TCP, it counts the connections.
  ...rows('load_balancer', 'AWS/ELB', classicBalancer, [
    ['requests', 'count', 'RequestCount'],
    ['errors', 'count', 'HTTPCode_ELB_5XX'],
  ]),
  ...rows('nat_gateway', 'AWS/NATGateway', field('NatGatewayId', 'NatGatewayId'), [
    ['network_in', 'sum', 'BytesInFromDestination'],
    ['network_out', 'sum', 'BytesOutToDestination'],
    ['connections', 'level', 'ActiveConnectionCount'],
  ]),
  ...rows('function', 'AWS/Lambda', field('FunctionName', 'FunctionName'), [
    ['requests', 'sum', 'Invocations'],
    ['errors', 'sum', 'Errors'],
    ['duration', 'sum', 'Duration'],
  ]),
  ...rows('container_service', 'AWS/ECS', service, [
    ['cpu', 'level', 'CPUUtilization'],
    ['memory', 'level', 'MemoryUtilization'],
  ]),
  ...rows('cluster', 'ContainerInsights', eksCluster, [
    ['cpu', 'level', 'node_cpu_utilization'],
    ['memory', 'level', 'node_memory_utilization'],
    ['cpu_reserved', 'level', 'node_cpu_reserved_capacity'],
    ['memory_reserved', 'level', 'node_memory_reserved_capacity'],
  ]),
  ...rows('table', 'AWS/DynamoDB', field('TableName', 'TableName'), [
    ['requests', 'count', 'ConsumedReadCapacityUnits'],
    ['requests', 'count', 'ConsumedWriteCapacityUnits'],
  ]),
]

/** The memory of a type or class in bytes; undefined if the type is not known. */
export function memoryBytes({ type = '' }: Measured): number | undefined {
  const gb = Rules.typeOf('aws', type)?.memoryGb
  return gb === undefined ? undefined : gb * 1024 ** 3
}

/** A metric that only some resources of a kind have: a list tells which. */
export interface ListedRow extends Omit<MetricRow, 'dimensions'> {
  /** The dimension that names the resource. */
  dimension: string
  nameOf(resource: Measured): string | undefined
  /** The metric has no other dimension: those that have one are parts of it. */
  isAlone?: true
  /** From the unit of the metric to ours. */
  factor?: number
}

const agent = { kind: 'instance', Namespace: 'CWAgent', dimension: 'InstanceId', as: 'level' } as const
const lambda = { kind: 'function', Namespace: 'LambdaInsights', dimension: 'function_name', isAlone: true } as const
const idOf: ListedRow['nameOf'] = ({ id }) => id
const functionName: ListedRow['nameOf'] = (resource) => field('name', 'FunctionName')(resource)?.['name']

/**
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/metrics-collected-by-CloudWatch-agent.html and
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Lambda-Insights-metrics.html
 */
export const listedRows: readonly ListedRow[] = [
  { ...agent, metric: 'memory', MetricName: 'mem_used_percent', nameOf: idOf },
  { ...agent, metric: 'disk', MetricName: 'disk_used_percent', nameOf: idOf },
  {
    ...lambda,
    metric: 'memory_used',
    MetricName: 'used_memory_max',
    as: 'level',
    factor: 1024 ** 2,
    nameOf: functionName,
  },
  { ...lambda, metric: 'cpu_time', MetricName: 'cpu_total_time', as: 'sum', nameOf: functionName },
]
