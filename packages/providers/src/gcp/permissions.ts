const required = {
  'resourcemanager.projects.get': 'showing the project by its name',
  'bigquery.jobs.create': 'running queries over the billing export',
  'bigquery.datasets.get': 'finding the dataset of the billing export',
  'bigquery.tables.list': 'finding the tables of the billing export',
  'bigquery.tables.get': 'reading the columns of the billing export',
  'bigquery.tables.getData': 'reading the billing export',
  'compute.instances.list': 'finding idle and oversized instances',
  'compute.disks.list': 'finding unused disks',
  'compute.snapshots.list': 'finding unused snapshots',
  'compute.addresses.list': 'finding unused addresses',
  'monitoring.timeSeries.list': 'measuring how busy resources are',
} satisfies Record<string, string>

const optional = {
  'compute.images.list': 'finding unused images',
  'compute.forwardingRules.list': 'finding unused load balancers',
  'compute.routers.list': 'finding unused NAT gateways',
  'compute.commitments.list': 'following commitments to their end',
  'cloudsql.instances.list': 'finding idle and oversized databases',
  'storage.buckets.list': 'finding buckets without lifecycle rules',
  'cloudfunctions.functions.list': 'finding unused functions',
  'run.services.list': 'finding idle services of Cloud Run',
  'container.clusters.list': 'finding idle clusters',
  'redis.instances.list': 'finding idle caches',
} satisfies Record<string, string>

/** https://cloud.google.com/iam/docs/permissions-reference */
export const gcpPermissions = { ...required, ...optional }

/** Permissions whose lack leaves out a part of the inventory. */
export const optionalGcpPermissions: ReadonlySet<string> = new Set(Object.keys(optional))

export type GcpPermission = keyof typeof gcpPermissions

/** May be granted on the dataset of the billing export alone. */
export const datasetPermissions = [
  'bigquery.datasets.get',
  'bigquery.tables.list',
  'bigquery.tables.get',
  'bigquery.tables.getData',
] satisfies GcpPermission[]

export const allGcpPermissions = Object.keys(gcpPermissions) as GcpPermission[]
