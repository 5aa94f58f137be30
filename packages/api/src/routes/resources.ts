import * as z from 'zod'
import { BulkTag, Resources, TagCoverage } from '@cloudoptima/core'
import { ids, listOf } from '../examples.ts'
import { get, post, type Route } from '../route.ts'

const common = {
  id: 'i-0f3a5b7c9d1e2f4a6',
  name: 'web-1',
  provider: 'aws',
  account_id: '123456789012',
  kind: 'instance',
  type: 'm7g.large',
  status: 'running',
  region: 'eu-west-1',
  monthly_cost: 59.57,
  monthly_cost_exact: '59.568',
  currency: 'USD',
  age_days: 120,
  tags: { team: 'checkout' },
  taken_at: '2026-11-28T08:00:00.000Z',
  recommendations_count: 0,
}
const utilization = { cpu_avg: 7.25, memory_avg: null, network_gb: 12.4 }
const volume = {
  ...common,
  id: 'vol-0a1b2c3d4e5f60718',
  name: 'web-1-data',
  kind: 'volume',
  type: 'gp3',
  status: 'in-use',
  size_gb: 100,
  iops: 3000,
  attached_to: common.id,
  snapshot_count: 3,
  optimization_score: 100,
}
const query = { provider: 'aws', region: 'eu-west-1' }
const description = 'Resources as their cloud described them last, with their costs of the last 30 complete days.'

const share = (percentage: number) => ({ cost: percentage, cost_exact: String(percentage), percentage })

const bulkTagId = 'tag_01jf3m8x5cq2w7n4t6v9b0d1e2'
const outcome = {
  resource_id: common.id,
  provider: 'aws',
  account_id: '123456789012',
  state: 'updated',
  changes: [{ key: 'team', before: 'basket', after: 'checkout' }],
  skipped: [],
  can_act: true,
  error: null,
  undo: null,
}
const tagging = { tags: { team: 'checkout' }, overwrite: true }

export const resourceRoutes: readonly Route[] = [
  post('/v1/resources/bulk-tag', BulkTag.bulkTag, {
    needs: 'lake',
    summary: 'Set tags on up to 50 resources of all clouds',
    description:
      'The limits of each cloud are checked first. Each resource has an outcome of its own: what fails is named, and ' +
      'the rest is changed. An account without credentials for actions can only be planned for. The tags of before ' +
      'are kept for the undo. The inventory shows the new tags after its next collection, which is asked for at once.',
    answer: BulkTag.Done,
    request: { resource_ids: [common.id], ...tagging, dry_run: false },
    response: {
      success: true,
      id: bulkTagId,
      dry_run: false,
      updated_count: 1,
      failed: [],
      resources: [outcome],
    },
  }),
  get('/v1/resources/bulk-tag/{id}', BulkTag.get, {
    summary: 'Get a bulk tag with the tags of before',
    answer: BulkTag.Public,
    request: { id: bulkTagId },
    response: { id: bulkTagId, at: '2026-11-28T08:00:00.000Z', by: ids.user, ...tagging, resources: [outcome] },
  }),
  post('/v1/resources/bulk-tag/{id}/undo', BulkTag.undo, {
    summary: 'Restore the tags from before a bulk tag',
    description: 'Only where the value is still the one that was set: what somebody else has changed since is named.',
    answer: BulkTag.Undone,
    request: { id: bulkTagId },
    response: {
      success: true,
      restored_count: 1,
      failed: [],
      resources: [{ ...outcome, undo: { state: 'restored', kept: [], error: null } }],
    },
  }),
  get('/v1/resources/compute', Resources.compute, {
    needs: 'lake',
    summary: 'List compute resources with utilization and costs',
    description,
    ...listOf(
      { resources: z.array(Resources.Compute) },
      { resources: [{ ...common, utilization, optimization_score: 12 }] },
      { ...query, status: 'running' },
    ),
  }),
  get('/v1/resources/storage', Resources.storage, {
    needs: 'lake',
    summary: 'List volumes, snapshots, images and buckets with costs',
    description,
    ...listOf({ volumes: z.array(Resources.Storage) }, { volumes: [volume] }, query),
  }),
  get('/v1/resources/network', Resources.network, {
    needs: 'lake',
    summary: 'List addresses, load balancers and NAT gateways with costs',
    description,
    ...listOf(
      { resources: z.array(Resources.Common) },
      { resources: [{ ...common, id: 'eipalloc-0a1b2c3d', kind: 'address', type: null }] },
      query,
    ),
  }),
  get('/v1/resources/database', Resources.database, {
    needs: 'lake',
    summary: 'List databases, their snapshots, caches and tables with costs',
    description,
    ...listOf(
      { resources: z.array(Resources.Common) },
      { resources: [{ ...common, id: 'orders', kind: 'database', type: 'db.r7g.large' }] },
      query,
    ),
  }),
  get('/v1/resources/tags/coverage', TagCoverage.coverage, {
    needs: 'lake',
    summary: 'Get how much of the cost carries each tag',
    description:
      'Of the tags that the organization requires, with the values that are not allowed, and of the other tags with ' +
      'the largest cost. Virtual tags are counted apart.',
    answer: TagCoverage.Coverage,
    request: { start_date: '2024-09-01', end_date: '2024-09-30', most: 20 },
    response: {
      total_cost: 100,
      total_cost_exact: '100',
      currency: 'USD',
      start_date: '2024-09-01',
      end_date: '2024-09-30',
      required: [
        {
          key: 'Environment',
          ...share(75),
          allowed: share(60),
          violating: share(5),
          virtual: share(10),
          missing: share(25),
          violations: [{ value: 'prodution', ...share(5) }],
        },
      ],
      others: [{ key: 'Team', ...share(40) }],
      meta: {
        currency: 'USD',
        metric: 'effective',
        basis: 'charge',
        as_of: '2024-10-02T06:00:00.000Z',
        lake_version: 7,
        complete_until: '2024-09-30',
        missing: [],
      },
    },
  }),
  get('/v1/resources/{id}', Resources.get, {
    needs: 'lake',
    summary: 'Get a resource with configuration, history of costs and utilization, and its origin',
    answer: Resources.Detail,
    request: { id: common.id },
    response: {
      ...common,
      aliases: [],
      zone: 'eu-west-1a',
      created_at: '2026-07-31T08:00:00.000Z',
      size_gb: null,
      iops: null,
      attached_to: null,
      configuration: { EbsOptimized: true },
      recommendations: [],
      executions: [
        {
          id: 'exe_01jf3m8x5cq2w7n4t6v9b0d1e2',
          action: 'resize-instance',
          stage: 'succeeded',
          at: '2026-10-06T08:00:00.000Z',
        },
      ],
      cost_history: [{ day: '2026-11-26', currency: 'USD', cost: 1.98, cost_exact: '1.9856' }],
      utilization_history: [{ hour: '2026-11-28T07:00:00.000Z', metric: 'cpu', average: 7.25, maximum: 31 }],
      changes: [],
      snapshot: {
        partition: 'kind=inventory/aws/123456789012',
        id: 'syn_01jf3m8x5cq2w7n4t6v9b0d1e9',
        lake_version: 3,
        files: ['lake/kind=inventory/aws/123456789012/syn_01jf3m8x5cq2w7n4t6v9b0d1e9-1a2b3c4d/resources-0.parquet'],
      },
    },
  }),
]
