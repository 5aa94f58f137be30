/** https://cloud.google.com/iam/docs/permissions-reference */
export const gcpPermissions = {
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

export type GcpPermission = keyof typeof gcpPermissions

/** May be granted on the dataset of the billing export alone. */
export const datasetPermissions = [
  'bigquery.datasets.get',
  'bigquery.tables.list',
  'bigquery.tables.get',
  'bigquery.tables.getData',
] satisfies GcpPermission[]

export const allGcpPermissions = Object.keys(gcpPermissions) as GcpPermission[]
