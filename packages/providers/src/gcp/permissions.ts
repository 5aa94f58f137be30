import type { Permission } from '../access/verdict.ts'

/** https://cloud.google.com/iam/docs/permissions-reference */
export const gcpPermissions = [
  { permission: 'resourcemanager.projects.get', neededFor: 'showing the project by its name' },
  { permission: 'bigquery.jobs.create', neededFor: 'running queries over the billing export' },
  { permission: 'bigquery.datasets.get', neededFor: 'finding the dataset of the billing export' },
  { permission: 'bigquery.tables.list', neededFor: 'finding the tables of the billing export' },
  { permission: 'bigquery.tables.get', neededFor: 'reading the columns of the billing export' },
  { permission: 'bigquery.tables.getData', neededFor: 'reading the billing export' },
  { permission: 'compute.instances.list', neededFor: 'finding idle and oversized instances' },
  { permission: 'compute.disks.list', neededFor: 'finding unused disks' },
  { permission: 'compute.snapshots.list', neededFor: 'finding unused snapshots' },
  { permission: 'compute.addresses.list', neededFor: 'finding unused addresses' },
  { permission: 'monitoring.timeSeries.list', neededFor: 'measuring how busy resources are' },
] as const satisfies readonly Permission[]

export type GcpPermission = (typeof gcpPermissions)[number]['permission']

/** Permissions that may be granted on the dataset of the billing export alone. */
export const datasetPermissions = [
  'bigquery.datasets.get',
  'bigquery.tables.list',
  'bigquery.tables.get',
  'bigquery.tables.getData',
] as const satisfies readonly GcpPermission[]
