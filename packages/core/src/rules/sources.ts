import type { Threshold } from './rule.ts'

const aws = 'https://docs.aws.amazon.com'
const azure = 'https://learn.microsoft.com/azure'
const gcp = 'https://cloud.google.com'

/** Public documents that thresholds come from. */
export const sources = {
  computeOptimizer: `${aws}/compute-optimizer/latest/ug/view-idle-recommendations.html`,
  computeOptimizerHeadroom: `${aws}/compute-optimizer/latest/ug/rightsizing-preferences.html`,
  trustedAdvisor: `${aws}/awssupport/latest/user/cost-optimization-checks.html`,
  volumeTypes: `${aws}/ebs/latest/userguide/ebs-volume-types.html`,
  elastiCacheMetrics: `${aws}/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html`,
  dynamoDb: `${aws}/amazondynamodb/latest/developerguide/CostOptimization_StatisticsUnusedResources.html`,
  s3Multipart: `${aws}/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html`,
  s3Lifecycle: `${aws}/AmazonS3/latest/userguide/object-lifecycle-mgmt.html`,
  logRetention: `${aws}/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html`,
  lambdaMemory: `${aws}/lambda/latest/dg/configuration-memory.html`,
  lambdaInsights: `${aws}/AmazonCloudWatch/latest/monitoring/Lambda-Insights-metrics.html`,
  containerInsights: `${aws}/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-EKS.html`,
  gatewayEndpoints: `${aws}/vpc/latest/privatelink/gateway-endpoints.html`,
  rdsExtendedSupport: `${aws}/AmazonRDS/latest/UserGuide/extended-support.html`,
  previousGeneration: 'https://aws.amazon.com/ec2/previous-generation/',
  graviton: 'https://github.com/aws/aws-graviton-getting-started',
  transfer: 'https://aws.amazon.com/blogs/architecture/overview-of-data-transfer-costs-for-common-architectures/',
  thrifty: 'https://hub.powerpipe.io/mods/turbot/aws_thrifty',
  custodian: 'https://cloudcustodian.io/docs/aws/examples/index.html',
  advisor: `${azure}/advisor/advisor-reference-cost-recommendations`,
  advisorResize: `${azure}/advisor/advisor-cost-recommendations`,
  azureStates: `${azure}/virtual-machines/states-billing`,
  azureDiskTypes: `${azure}/virtual-machines/disks-types`,
  azureSnapshots: `${azure}/virtual-machines/disks-incremental-snapshots`,
  azureAppService: `${azure}/app-service/overview-manage-costs`,
  azureHybridBenefit: `${azure}/virtual-machines/windows/hybrid-use-benefit-licensing`,
  azureElasticPool: `${azure}/azure-sql/database/elastic-pool-overview`,
  gcpIdleVm: `${gcp}/compute/docs/instances/idle-vm-recommendations-overview`,
  gcpResize: `${gcp}/compute/docs/instances/apply-machine-type-recommendations-for-instances`,
  gcpIdleResources: `${gcp}/compute/docs/viewing-and-applying-idle-resources-recommendations`,
  gcpSqlIdle: `${gcp}/sql/docs/mysql/recommender-sql-idle`,
  gcpSqlResize: `${gcp}/sql/docs/mysql/recommender-sql-overprovisioned`,
  finops: 'https://www.finops.org/framework/capabilities/rate-optimization/',
} as const

export function threshold(value: number, unit: string, source: keyof typeof sources): Threshold {
  return { value, unit, source: sources[source] }
}

/** A number of our choice, with the document that explains it. */
export function ours(value: number, unit: string, source: keyof typeof sources): Threshold {
  return { ...threshold(value, unit, source), isOurs: true }
}
