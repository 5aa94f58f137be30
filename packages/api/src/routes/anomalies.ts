import * as z from 'zod'
import { Anomalies, ExpectedCosts } from '@cloudoptima/core'
import { ids, listOf, success } from '../examples.ts'
import { del, get, post, type Route } from '../route.ts'

const id = 'ano_20261003b7a64e5f8c1d2e3f40'
const service = 'Amazon Elastic Compute Cloud'
const dimensions = { provider: 'AWS', account: '123456789012', service }
const anomaly = {
  id,
  detected_at: '2026-10-06T04:12:00.000Z',
  status: 'active',
  severity: 'high',
  kind: 'spike',
  provider: 'AWS',
  account: '123456789012',
  service,
  region: 'eu-west-1',
  dimensions,
  start_date: '2026-10-03',
  end_date: '2026-10-05',
  is_open: false,
  charged_as: 'usage',
  currency: 'USD',
  actual_cost: 3240.5,
  actual_cost_exact: '3240.5',
  expected_cost: 2000,
  lower_bound: 1840,
  upper_bound: 2160,
  impact_amount: 1240.5,
  deviation_percent: 62.025,
  root_cause:
    'Amazon Elastic Compute Cloud in account 123456789012 (eu-west-1) cost 1,240.5 USD (+62 %) more than expected from ' +
    '3 to 5 October 2026: usage of BoxUsage:m5.4xlarge grew from 24 to 96 hours at the same price.',
  affected_resources: ['i-0f3a5b7c9d1e2f4a6'],
  note: null,
  withdrawn_because: null,
  closed_at: null,
  closed_by: null,
  expected_by: null,
  updated_at: '2026-10-06T04:12:00.000Z',
}
const closed = {
  ...anomaly,
  note: 'A load test ran longer than planned.',
  closed_at: '2026-10-06T08:00:00.000Z',
  closed_by: ids.user,
}
const share = { dimension: 'resource', value: 'i-0f3a5b7c9d1e2f4a6', excess: '1150', percent: 92.7046, change: 'new' }
const mark = {
  start_date: '2026-11-27',
  end_date: '2026-11-30',
  repeats: 'yearly',
  provider: 'AWS',
  service,
  note: 'The sales week of the shop.',
}
const shownMark = {
  ...mark,
  id: 'exp_01jf3m8x5cq2w7n4t6v9b0d1e2',
  created_at: '2026-10-06T08:00:00.000Z',
  created_by: ids.user,
}

export const anomalies: readonly Route[] = [
  get('/v1/costs/anomalies', Anomalies.list, {
    summary: 'List unexpected costs, those with the newest alarm first',
    description:
      'Each cause once, judged when a day is complete, and again when the provider corrects it. Sensitivity and ' +
      'smallest amounts are settings of the organization (`anomalies`).',
    ...listOf(
      { anomalies: z.array(Anomalies.Public) },
      { anomalies: [anomaly] },
      { start_date: '2026-10-01', severity: 'high', status: 'active' },
    ),
  }),
  get('/v1/costs/anomalies/{id}', Anomalies.get, {
    summary: 'Get an unexpected cost with its days, its parts and the changes of resources near it',
    answer: Anomalies.Detail,
    request: { id },
    response: {
      ...anomaly,
      days: [{ date: '2026-10-03', excess: 413.5 }],
      shares: [
        share,
        {
          ...share,
          dimension: 'usageType',
          value: 'BoxUsage:m5.4xlarge',
          change: 'grown',
          effect: { quantity: '1150', price: '0', before: '24', after: '96', unit: 'Hours' },
        },
      ],
      events: [{ day: '2026-10-03', kind: 'started', resource: 'i-0f3a5b7c9d1e2f4a6' }],
      also_seen: [{ dimensions: { provider: 'AWS' }, impact: 1228.2 }],
      left_out: [],
    },
  }),
  post('/v1/costs/anomalies/{id}/resolve', Anomalies.resolve, {
    summary: 'Mark an unexpected cost as resolved',
    answer: Anomalies.Public,
    request: { id, note: closed.note },
    response: { ...closed, status: 'resolved' },
    faults: ['conflict'],
  }),
  post('/v1/costs/anomalies/{id}/ignore', Anomalies.ignore, {
    summary: 'Ignore an unexpected cost, and mark such costs as expected if asked to',
    answer: Anomalies.Public,
    request: { id, note: closed.note, expected: 'yearly' },
    response: { ...closed, status: 'ignored', expected_by: 'exp_20261003b7a64e5f8c1d2e3f40' },
    faults: ['conflict'],
  }),
  post('/v1/costs/anomalies/{id}/reopen', Anomalies.reopen, {
    summary: 'Reopen an unexpected cost',
    answer: Anomalies.Public,
    request: { id },
    response: anomaly,
    faults: ['conflict'],
  }),
  get('/v1/costs/expected', ExpectedCosts.list, {
    summary: 'List marks of expected costs',
    ...listOf({ expected: z.array(ExpectedCosts.Public) }, { expected: [shownMark] }),
  }),
  post('/v1/costs/expected', ExpectedCosts.create, {
    summary: 'Mark costs as expected, such as a migration or a yearly event',
    description:
      'Unexpected costs of these days and of this part of the costs are listed as ignored, and not announced.',
    status: 201,
    answer: ExpectedCosts.Public,
    request: mark,
    response: shownMark,
  }),
  del('/v1/costs/expected/{id}', ExpectedCosts.remove, {
    summary: 'Remove a mark of expected costs',
    ...success({ id: shownMark.id }),
  }),
]
