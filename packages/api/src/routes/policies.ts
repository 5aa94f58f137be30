import * as z from 'zod'
import { Executions, Policies } from '@cloudoptima/core'
import { ids, listOf, success } from '../examples.ts'
import { summary } from './executions.ts'
import { del, get, post, put, type Route } from '../route.ts'

const id = 'pol_01jf3m8x5cq2w7n4t6v9b0d1e2'
const settings = {
  name: 'Unattached disks',
  description: 'Backs up and deletes disks that nothing has used for 30 days.',
  enabled: true,
  trigger: { type: 'schedule', config: { cron: '0 6 * * 1-5', timezone: 'Europe/Zurich' } },
  conditions: [
    { field: 'attached', operator: '=', value: false },
    {
      any: [
        { field: 'unattached_days', operator: '>=', value: 30 },
        { field: 'tags.Environment', operator: 'in', value: ['dev', 'test'] },
      ],
    },
  ],
  actions: [{ type: 'delete-volume', config: {} }],
  safety_controls: {
    dry_run_first: true,
    require_approval: true,
    rollback_enabled: true,
    max_resources_per_execution: 10,
    max_monthly_cost: { amount: '500', currency: 'USD' },
    max_share_percent: 20,
    blackout_windows: [{ days: ['fri'], from: '12:00', to: '23:59', time_zone: 'Europe/Zurich' }],
    protected_tags: [{ key: 'Environment', value: 'prod' }],
  },
}
const policy = {
  id,
  ...settings,
  last_executed: '2026-11-27T05:00:00.000Z',
  execution_count: 12,
  success_rate: 91.67,
  last_run: {
    at: '2026-11-27T05:00:00.000Z',
    trigger: 'schedule',
    matched: 3,
    execution_id: 'exe_01jf3m8x5cq2w7n4t6v9b0d1e9',
  },
  next_runs: ['2026-11-30T05:00:00.000Z'],
  created_at: '2026-11-23T08:00:00.000Z',
  created_by: ids.user,
  updated_at: '2026-11-23T08:00:00.000Z',
  updated_by: ids.user,
  version: 1,
}

const description =
  'Conditions are `field operator value`. A value that is not known never holds; `not_exists` asks for it. ' +
  '`docs/policies.md` lists the fields, the operators of each, and the triggers.'

export const policies: readonly Route[] = [
  get('/v1/policies', Policies.list, {
    summary: 'List policies, the oldest first',
    ...listOf({ policies: z.array(Policies.Public) }, { policies: [policy] }),
  }),
  post('/v1/policies', Policies.create, {
    summary: 'Create a policy: a trigger, conditions, and one action with its limits',
    description,
    status: 201,
    answer: Policies.Created,
    request: settings,
    response: { policy_id: id, policy },
    faults: ['conflict'],
  }),
  get('/v1/policies/templates', Policies.templates, {
    summary: 'List ready-made policies',
    answer: Policies.Templates,
    response: {
      templates: [
        {
          id: 'unattached-disks',
          name: 'Unattached disks',
          description: 'Backs up and deletes disks that nothing has used for some days.',
          parameters: [{ name: 'days', default: 30 }],
          policies: ['Unattached disks'],
        },
      ],
    },
  }),
  post('/v1/policies/templates/{id}', Policies.createFrom, {
    summary: 'Create policies from a template',
    description: 'They are disabled, unless asked otherwise, so that somebody looks at their preview first.',
    status: 201,
    answer: Policies.CreatedFrom,
    request: { id: 'unattached-disks', parameters: { days: 30 }, enabled: false },
    response: { policy_ids: [id], policies: [policy] },
    faults: ['conflict'],
  }),
  post('/v1/policies/preview', Policies.preview, {
    needs: 'lake',
    idempotency: 'none',
    faults: ['not_found'],
    summary: 'Show which resources match now, and why each other one does not',
    description,
    answer: Policies.Preview,
    request: { conditions: settings.conditions, actions: settings.actions, show: 'all', page: 1, page_size: 20 },
    response: {
      summary: {
        fleet: 2,
        matching: 1,
        costs: [{ currency: 'USD', monthly: 8, monthly_exact: '8' }],
        without_cost: 0,
      },
      resources: [
        {
          provider: 'aws',
          account_id: '123456789012',
          resource_id: 'vol-0a1b2c3d4e5f60718',
          resource_name: 'web-1-data',
          kind: 'volume',
          type: 'gp3',
          status: 'available',
          region: 'eu-west-1',
          monthly_cost: 8,
          monthly_cost_exact: '8',
          currency: 'USD',
          matches: true,
          failures: [],
        },
        {
          provider: 'aws',
          account_id: '123456789012',
          resource_id: 'vol-0a1b2c3d4e5f60719',
          resource_name: null,
          kind: 'volume',
          type: 'gp3',
          status: 'in-use',
          region: 'eu-west-1',
          monthly_cost: null,
          monthly_cost_exact: null,
          currency: null,
          matches: false,
          failures: [{ condition: 'attached = false', actual: 'true' }],
        },
      ],
      pagination: { page: 1, page_size: 20, total: 2, total_pages: 1 },
    },
  }),
  post('/v1/policies/{id}/execute', Policies.execute, {
    needs: 'lake',
    summary: 'Execute a policy now',
    description:
      'The resources that match become an execution, which plans, waits for approvals, and acts: ' +
      '`GET /v1/executions/{id}` shows it. A policy with `dry_run_first` needs a dry run before.',
    status: 202,
    answer: Policies.Executed,
    request: { id, dry_run: true },
    response: { execution_id: 'exe_01jf3m8x5cq2w7n4t6v9b0d1e9', status: 'planning', dry_run: true, matched: 3 },
    faults: ['conflict'],
  }),
  get('/v1/policies/{id}/executions', Policies.executions, {
    summary: 'List the executions of a policy, the newest first',
    answer: Executions.List,
    request: { id, page: 1, page_size: 20 },
    response: {
      executions: [summary],
      pagination: { page: 1, page_size: 20, total: 1, total_pages: 1 },
    },
  }),
  get('/v1/policies/{id}', Policies.get, {
    summary: 'Get a policy',
    answer: Policies.Public,
    request: { id },
    response: policy,
  }),
  put('/v1/policies/{id}', Policies.update, {
    summary: 'Change a policy',
    description: 'What is not given stays.',
    answer: Policies.Public,
    request: { id, enabled: false, version: 1 },
    response: { ...policy, enabled: false, next_runs: [], version: 2 },
    faults: ['conflict'],
  }),
  del('/v1/policies/{id}', Policies.remove, {
    summary: 'Delete a policy',
    description: 'Its executions stay, and go on.',
    ...success({ id }),
  }),
]
