import { Executions, ExecutionStop } from '@cloudoptima/core'
import { ids } from '../examples.ts'
import { get, post, type Route } from '../route.ts'

const id = 'exe_01jf3m8x5cq2w7n4t6v9b0d1e2'
const hash = '5c7be1e2d7a0c1f4f2a9e7b3c6d8e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091'
const volume = 'vol-0a1b2c3d4e5f60718'
const before = { State: 'available', VolumeType: 'gp2', Size: 500, AvailabilityZone: 'eu-west-1a' }

export const summary = {
  id,
  policy_id: null,
  recommendation_id: 'rec_5b1d0c7e9f2a4836b7c8d9e0f1',
  status: null,
  stage: 'awaiting_approval',
  outcome: null,
  dry_run: false,
  action: { type: 'delete-volume', title: 'Back the disk up and delete it', config: {} },
  trigger: null,
  requested_by: ids.user,
  requested_at: '2026-10-06T08:00:00.000Z',
  scheduled_for: null,
  started_at: null,
  completed_at: null,
  plan_hash: hash,
  approvals_needed: 1,
  approvals: [],
  approve_by: '2026-10-13T08:00:02.000Z',
  rejection: null,
  cancel_requested: null,
  rollback: null,
  resources_matched: 1,
  resources_affected: 0,
  measured: [],
  logs: ['2026-10-06T08:00:00.000Z Requested for rec_5b1d0c7e9f2a4836b7c8d9e0f1, for one resource.'],
}
const target = {
  number: 1,
  provider: 'aws',
  account_id: '123456789012',
  resource_id: volume,
  resource_name: 'old-data',
  kind: 'volume',
  region: 'eu-west-1',
  monthly_cost: { amount: '59.5', currency: 'USD' },
  state: 'planned',
  reason: null,
  before,
  after: null,
  undo: 'partial',
  lost: ['the id of the volume'],
  loses_data: null,
  confirm_as: null,
  notes: ['The snapshot costs about 25 USD a month.'],
  started_at: null,
  completed_at: null,
  undone_at: null,
  restored_id: null,
  not_restored: null,
  logs: [],
}
const execution = {
  ...summary,
  undone: 'A disk is made of the snapshot, with the same type and tags, and attached where the old one was.',
  safety_controls: {
    dry_run_first: false,
    require_approval: true,
    rollback_enabled: true,
    max_resources_per_execution: 1,
    max_monthly_cost: null,
    max_share_percent: null,
    blackout_windows: [],
    protected_tags: [],
  },
  targets: [target],
}
const ended = { status: 'failed', completed_at: '2026-10-06T09:00:00.000Z' }
const approval = { by: ids.user, at: '2026-10-06T09:00:00.000Z', via: 'api', plan_hash: hash }
const done = {
  ...target,
  state: 'done',
  started_at: '2026-10-06T09:00:05.000Z',
  completed_at: '2026-10-06T09:04:00.000Z',
}

export const executionRoutes: readonly Route[] = [
  get('/v1/executions', Executions.list, {
    summary: 'List executions of policies and recommendations, the newest first',
    answer: Executions.List,
    request: { stage: 'awaiting_approval' },
    response: { executions: [summary], pagination: { page: 1, page_size: 20, total: 1, total_pages: 1 } },
  }),
  get('/v1/executions/{id}', Executions.get, {
    summary: 'Get an execution with the plan of each resource, its state before and after, and what was done',
    answer: Executions.Public,
    request: { id },
    response: execution,
  }),
  post('/v1/executions/{id}/approve', Executions.approve, {
    summary: 'Approve the plan of an execution',
    description:
      'Exactly the plan with this hash is carried out: a resource that has changed since is dropped and named. Nobody ' +
      'approves their own request.',
    answer: Executions.Public,
    request: { id, plan_hash: hash, confirm: [] },
    response: { ...execution, stage: 'waiting', approvals: [approval] },
    faults: ['conflict'],
  }),
  post('/v1/executions/{id}/reject', Executions.reject, {
    summary: 'Reject the plan of an execution',
    answer: Executions.Public,
    request: { id, reason: 'We still need it.' },
    response: {
      ...execution,
      ...ended,
      stage: 'rejected',
      outcome: `Rejected by ${ids.user}: We still need it.`,
      rejection: { by: ids.user, at: ended.completed_at, reason: 'We still need it.' },
    },
    faults: ['conflict'],
  }),
  post('/v1/executions/{id}/cancel', Executions.cancel, {
    summary: 'Cancel an execution: what is begun is finished, nothing else is begun',
    answer: Executions.Public,
    request: { id },
    response: {
      ...execution,
      ...ended,
      stage: 'canceled',
      outcome: `Canceled by ${ids.user}. Nothing was changed.`,
      cancel_requested: { by: ids.user, at: ended.completed_at },
    },
    faults: ['conflict'],
  }),
  post('/v1/executions/{id}/rollback', Executions.rollback, {
    summary: 'Take back what an execution has changed, the last resource first',
    description: 'One user who may approve is enough, the requester too. API keys cannot roll back.',
    answer: Executions.Public,
    request: { id, reason: 'The nightly job needs it.' },
    response: {
      ...execution,
      stage: 'rolling_back',
      approvals: [approval],
      started_at: done.started_at,
      completed_at: done.completed_at,
      rollback: { by: ids.user, at: '2026-10-07T08:00:00.000Z', reason: 'The nightly job needs it.', number: 1 },
      resources_affected: 1,
      targets: [done],
    },
    faults: ['conflict'],
  }),
  post('/v1/organization/stop', ExecutionStop.stop, {
    summary: 'Halt all executions of the organization, running and queued',
    description:
      'No call to a cloud begins after it; one that was sent may still arrive, for 15 seconds at most. What is ' +
      'begun stays half-way, and can be rolled back after `POST /v1/organization/resume`.',
    answer: ExecutionStop.Stopped,
    request: { reason: 'An incident is being looked into.' },
    response: { stopped: true, executions: [id] },
  }),
  post('/v1/organization/resume', ExecutionStop.resume, {
    summary: 'Allow executions again',
    description: 'Halted executions stay halted.',
    answer: ExecutionStop.Stopped,
    request: {},
    response: { stopped: false, executions: [] },
  }),
]
