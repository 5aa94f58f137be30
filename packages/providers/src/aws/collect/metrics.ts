import type { Resource, ResourceKind, UtilizationMetric } from '@cloudoptima/core'

/** A resource that has metrics. */
export type Measured = Pick<Resource, 'id' | 'kind' | 'region' | 'configuration'>

/** A metric of CloudWatch that becomes a metric of ours. */
export interface MetricRow {
  kind: ResourceKind
  metric: UtilizationMetric
  Namespace: string
  MetricName: string
  /** `level`: average and maximum of the hour. `sum`: its sum. Rows of one metric are added up. */
  as: 'level' | 'sum'
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

const service: Dimensions = ({ configuration: { clusterArn, serviceName } }) =>
  typeof clusterArn === 'string' && typeof serviceName === 'string'
    ? { ClusterName: clusterArn.slice(clusterArn.lastIndexOf('/') + 1), ServiceName: serviceName }
    : undefined

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html */
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
  ...rows('nat_gateway', 'AWS/NATGateway', field('NatGatewayId', 'NatGatewayId'), [
    ['network_in', 'sum', 'BytesInFromDestination'],
    ['network_out', 'sum', 'BytesOutToDestination'],
    ['connections', 'level', 'ActiveConnectionCount'],
  ]),
  ...rows('function', 'AWS/Lambda', field('FunctionName', 'FunctionName'), [
    ['requests', 'sum', 'Invocations'],
    ['errors', 'sum', 'Errors'],
  ]),
  ...rows('container_service', 'AWS/ECS', service, [
    ['cpu', 'level', 'CPUUtilization'],
    ['memory', 'level', 'MemoryUtilization'],
  ]),
  ...rows('table', 'AWS/DynamoDB', field('TableName', 'TableName'), [
    ['requests', 'sum', 'ConsumedReadCapacityUnits'],
    ['requests', 'sum', 'ConsumedWriteCapacityUnits'],
  ]),
]

/** Metrics of CloudWatch's agent, which exist for instances that run it. */
export const agentMetrics: Partial<Record<string, UtilizationMetric>> = {
  mem_used_percent: 'memory',
  disk_used_percent: 'disk',
}
