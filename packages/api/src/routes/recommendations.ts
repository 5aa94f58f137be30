import { Recommendations } from '@cloudoptima/core'
import { ids } from '../examples.ts'
import { get, post, type Route } from '../route.ts'

const id = 'rec_5b1d0c7e9f2a4836b7c8d9e0f1'
const confidence = { level: 'high', reason: 'it has been unattached for longer than the threshold' }
const volume = 'vol-0a1b2c3d4e5f60718'
const resource = {
  id: volume,
  name: 'old-data',
  kind: 'volume',
  type: 'gp2',
  status: 'available',
  current_cost: 59.5,
  currency: 'USD',
}
const recommendation = {
  id,
  status: 'active',
  title: 'EBS volume that no instance uses: old-data',
  description:
    'Delete, after a snapshot (available -> deleted). It saves 59.50 USD a month: ends ' +
    'storage. Confidence is high: it has been unattached for longer than the threshold.',
  category: 'storage',
  risk_level: 'medium',
  effort: 'low',
  confidence,
  rule: 'aws-volume-unattached',
  analyzer: 'storage_optimization',
  provider: 'aws',
  account_id: '123456789012',
  region: 'eu-west-1',
  estimated_savings_monthly: 59.5,
  estimated_savings_monthly_exact: '59.5',
  estimated_savings_annual: 714,
  currency: 'USD',
  savings_are_at_most: false,
  savings_basis: 'ends storage',
  committed_monthly: null,
  priority: '39.5675',
  affected_resources: [resource],
  actions: [
    {
      type: 'delete',
      description: 'delete, after a snapshot: available -> deleted',
      parameters: { resource_id: volume, from: 'available', to: 'deleted' },
    },
  ],
  impact_analysis: {
    performance_impact: 'No change.',
    availability_impact: 'The resource is no longer there.',
    security_impact: 'No change of permissions.',
  },
  evidence: { unattachedDays: 41, ageDays: 300 },
  restart_needed: false,
  rollback_possible: true,
  undo: 'Create the disk again from the snapshot.',
  alternatives: [
    {
      rule: 'aws-volume-gp2',
      title: 'EBS volume of type gp2, which gp3 replaces at a lower price',
      change: { action: 'change the type', from: 'gp2', to: 'gp3' },
      estimated_savings_monthly: 11.9,
      confidence: { level: 'high', reason: 'gp3 has at least the performance of gp2 at this size' },
      risk_level: 'low',
    },
  ],
  missing: [],
  dismissal: null,
  execution_id: null,
  realized_savings_monthly: null,
  realized_days: null,
  created_at: '2026-10-06T04:12:00.000Z',
  updated_at: '2026-10-06T04:12:00.000Z',
  ended_at: null,
  ended_because: null,
  expires_at: null,
}
const sums = [{ currency: 'USD', monthly: 59.5, monthly_exact: '59.5' }]
const plan = {
  cost_impact: {
    current_monthly: '59.5',
    projected_monthly: '0',
    savings: '59.5',
    currency: 'USD',
    basis: 'ends storage',
    committed_monthly: null,
  },
  resource_changes: [
    {
      resource_id: volume,
      change_type: 'delete',
      before: { type: 'gp2', status: 'available', cost: '59.5' },
      after: null,
    },
  ],
  risks: ['The risk is medium. It can be taken back: Create the disk again from the snapshot.'],
  dependents: [{ id: 'snap-0b2c3d4e5f6071829', name: null, kind: 'snapshot' }],
}

export const recommendationRoutes: readonly Route[] = [
  get('/v1/recommendations', Recommendations.list, {
    summary: 'List recommendations with their savings, the most important first',
    description:
      'Resources are judged after each import and each change of the inventory, and once a day. Savings are those at ' +
      'the prices that the organization pays. Recommendations for one resource compete, so that each cost is saved once.',
    answer: Recommendations.List,
    request: { category: 'storage', min_savings: 20, sort_by: 'savings' },
    response: {
      recommendations: [recommendation],
      summary: {
        count: 1,
        savings: sums,
        savings_at_most: [],
        categories: [{ category: 'storage', count: 1, savings: sums }],
        insufficient_data: 3,
        analyzed_at: '2026-10-06T04:12:00.000Z',
        resources: 412,
        left_out: 0,
      },
      pagination: { page: 1, page_size: 20, total: 1, total_pages: 1 },
    },
  }),
  get('/v1/recommendations/{id}', Recommendations.get, {
    summary: 'Get a recommendation',
    answer: Recommendations.Public,
    request: { id },
    response: recommendation,
  }),
  get('/v1/recommendations/{id}/impact-preview', Recommendations.preview, {
    summary: 'Show what a recommendation would change, cost and risk',
    answer: Recommendations.Preview,
    request: { id },
    response: plan,
    faults: ['conflict'],
  }),
  post('/v1/recommendations/{id}/apply', Recommendations.apply, {
    summary: 'Follow a recommendation: plan, have it approved, and carry it out',
    description: 'With `dry_run` it only plans. It answers 409 for one that has to be followed by hand.',
    answer: Recommendations.Applied,
    request: { id, dry_run: true },
    response: { execution_id: 'exe_01jf3m8x5cq2w7n4t6v9b0d1e2', status: 'queued', estimated_completion: null, plan },
    faults: ['conflict'],
  }),
  post('/v1/recommendations/{id}/dismiss', Recommendations.dismiss, {
    summary: 'Dismiss a recommendation, or its rule',
    description: 'It counts no more, and the best alternative takes its place with the next analysis.',
    answer: Recommendations.Public,
    request: { id, reason: 'Kept for the audit.', until: '2027-01-31' },
    response: {
      ...recommendation,
      status: 'dismissed',
      dismissal: {
        reason: 'Kept for the audit.',
        scope: 'resource',
        until: '2027-01-31',
        by: ids.user,
        at: '2026-10-06T08:00:00.000Z',
      },
    },
    faults: ['conflict'],
  }),
  post('/v1/recommendations/{id}/reopen', Recommendations.reopen, {
    summary: 'Reopen a recommendation, and its rule if that was dismissed',
    description: 'It counts again with the next analysis, which begins at once.',
    answer: Recommendations.Public,
    request: { id },
    response: recommendation,
  }),
]
