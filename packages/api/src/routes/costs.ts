import { Changes, Cost, CostForecast, Reconciliation, Restatements } from '@cloudoptima/core'
import { get, type Route } from '../route.ts'

const meta = {
  currency: 'USD',
  metric: 'effective',
  basis: 'charge',
  as_of: '2024-10-02T06:00:00.000Z',
  lake_version: 7,
  complete_until: '2024-09-30',
  missing: [],
}

const causes = {
  price: '-1.5',
  quantity: '4',
  new: '0',
  gone: '0',
  currency: '0',
  credits: '0',
  commitments: '0',
  tax: '0',
  other: '0',
}
const changed = {
  before: 10,
  before_exact: '10',
  after: 12.5,
  after_exact: '12.5',
  change: 2.5,
  change_exact: '2.5',
  causes,
}
const restatementCauses = { late_usage: '2', removed: '0', price: '0', credits: '-1.5', commitments: '0', tax: '0' }
const restated = {
  from_version: 1,
  to_version: 2,
  at: '2024-10-05T06:00:00.000Z',
  rows_before: 120,
  rows_after: 124,
  before: 100,
  before_exact: '100',
  after: 100.5,
  after_exact: '100.5',
  change: 0.5,
  change_exact: '0.5',
  causes: restatementCauses,
  services: [
    {
      name: 'Amazon Simple Queue Service',
      value: 'Amazon Simple Queue Service',
      change: 0.5,
      change_exact: '0.5',
      causes: restatementCauses,
    },
  ],
  late_usage: [{ date: '2024-09-30', cost: 2, cost_exact: '2' }],
}
const named = (value: string, children?: object[]) => ({
  name: value,
  value,
  ...changed,
  ...(children && { children }),
})

export const costs: readonly Route[] = [
  get('/v1/costs/overview', Cost.overview, {
    needs: 'lake',
    summary: 'Get costs over time and by one dimension, compared with the previous period',
    description:
      'Amounts in other currencies are converted to `currency`, or to that of the organization; `meta.missing` lists ' +
      'amounts without an exchange rate, and all of them if no currency is named. Default period: ' +
      'the last 30 complete days. A daily series has at most 1,096 days.',
    answer: Cost.Overview,
    request: {
      start_date: '2024-09-29',
      end_date: '2024-09-30',
      granularity: 'daily',
      group_by: 'service',
      cloud_provider: 'aws',
    },
    response: {
      total_cost: 12.5,
      total_cost_exact: '12.5',
      currency: 'USD',
      start_date: '2024-09-29',
      end_date: '2024-09-30',
      granularity: 'daily',
      group_by: 'service',
      period_comparison: {
        previous_period: 10,
        previous_period_exact: '10',
        change_percent: 25,
        previous_is_zero: false,
        start_date: '2024-09-27',
        end_date: '2024-09-28',
      },
      breakdown: [
        {
          dimension: 'Amazon Elastic Compute Cloud',
          value: 'Amazon Elastic Compute Cloud',
          cost: 10,
          cost_exact: '10',
          percentage: 80,
        },
        {
          dimension: 'Amazon Simple Storage Service',
          value: 'Amazon Simple Storage Service',
          cost: 2.5,
          cost_exact: '2.5',
          percentage: 20,
        },
      ],
      time_series: [
        { date: '2024-09-29', cost: 6.25, cost_exact: '6.25' },
        { date: '2024-09-30', cost: 6.25, cost_exact: '6.25' },
      ],
      meta,
    },
  }),
  get('/v1/costs/by-service', Cost.byService, {
    needs: 'lake',
    summary: 'Get the cost of each service in a month and in the month before',
    description:
      'Sorted by cost, highest first. Each service lists its most expensive resources: those of each currency, ' +
      'ranked in it before they are converted.',
    answer: Cost.ByService,
    request: { month: '2024-09', top_resources: 1 },
    response: {
      services: [
        {
          service_name: 'Amazon Simple Queue Service',
          provider: 'AWS',
          current_month: 12.5,
          current_month_exact: '12.5',
          last_month: 10,
          last_month_exact: '10',
          trend: 25,
          trend_is_from_zero: false,
          top_resources: [{ resource_id: 'arn:aws:sqs:us-west-2:111122223333:orders', cost: 9.75, cost_exact: '9.75' }],
        },
      ],
      month: '2024-09',
      currency: 'USD',
      trend_days: { start_date: '2024-09-01', end_date: '2024-09-30' },
      meta,
    },
  }),
  get('/v1/costs/forecast', CostForecast.costForecast, {
    needs: 'lake',
    summary: 'Forecast costs by day, with intervals',
    description:
      'By any filter of the overview, from the complete days of the last two years. Tax, credits, purchases and ' +
      'adjustments are treated apart: those that come each month repeat, the others do not. `accuracy_metrics` ' +
      'compares earlier forecasts of the same series with its costs.',
    answer: CostForecast.Forecast,
    request: { days_ahead: 1, confidence_level: 0.95, cloud_provider: 'aws' },
    response: {
      forecast: [{ date: '2024-10-01', predicted_cost: 6.25, lower_bound: 5.5, upper_bound: 7 }],
      total_forecasted: 6.25,
      total_lower_bound: 5.5,
      total_upper_bound: 7,
      month_end: { month: '2024-10', cost_to_date: 0, predicted_cost: 193.75, lower_bound: 188, upper_bound: 199.5 },
      breakdown: [],
      accuracy_metrics: { mape: 4.2, rmse: 0.31, mase: 0.71, coverage: 0.95 },
      based_on: {
        start_date: '2024-07-01',
        end_date: '2024-09-30',
        seasons: [7],
        recurring: [{ day_of_month: 1, cost: 100 }],
        one_offs: 12.5,
      },
      currency: 'USD',
      meta,
    },
  }),
  get('/v1/costs/changes', Changes.get, {
    needs: 'lake',
    summary: 'Explain the difference between the costs of two periods',
    description:
      'A tree of providers, accounts, services and resources. Every node has its cost in both periods, the change, ' +
      'and the causes of the change, which sum to it exactly.',
    answer: Changes.Info,
    request: { from: '2024-08', to: '2024-09', limit: 5 },
    response: {
      from: { start_date: '2024-08-01', end_date: '2024-08-31', days: 31 },
      to: { start_date: '2024-09-01', end_date: '2024-09-30', days: 30 },
      currency: 'USD',
      ...changed,
      change_percent: 25,
      before_is_zero: false,
      per_day: { before: 0.3226, after: 0.4167, change: 0.0941 },
      providers: [
        named('AWS', [
          named('111122223333', [named('Amazon Simple Queue Service', [named('arn:aws:sqs:us-west-2:1111:orders')])]),
        ]),
      ],
      meta: { ...meta, same_length: false, in_order: true, common_days: 0 },
    },
  }),
  get('/v1/costs/restatements', Restatements.get, {
    needs: 'lake',
    summary: 'Explain what providers changed in the bills of a period after it had ended',
    description:
      "Each bill's first version after the end of the billing period, whose charges reach its last day, against the " +
      'current version, and each step between them. The causes of a change sum to it exactly.',
    answer: Restatements.Info,
    request: { period: '2024-09', cloud_provider: 'aws' },
    response: {
      period: '2024-09',
      bills: [
        {
          provider: 'AWS',
          billing_account_id: '1234567890123',
          currency: 'USD',
          first_seen_at: '2024-10-02T06:00:00.000Z',
          ...restated,
          steps: [restated],
        },
      ],
      unchanged: 2,
      open: 0,
      meta: { metric: 'effective', as_of: '2024-10-05T06:00:00.000Z', lake_version: 7, missing: [] },
    },
  }),
  get('/v1/costs/reconciliation', Reconciliation.get, {
    needs: 'lake',
    summary: "Compare the bills' control totals with the lake",
    description:
      "For each provider, account and currency of a billing period: the bill's control total, the lake's total, " +
      'their difference, and the reasons why the cost metrics differ.',
    answer: Reconciliation.Info,
    request: { period: '2024-09' },
    response: {
      period: '2024-09',
      reconciled: true,
      lines: [
        {
          provider: 'AWS',
          billing_account_id: '1234567890123',
          currency: 'USD',
          metric: 'billed',
          bill_total: 100,
          bill_total_exact: '100',
          bill_rows: 120,
          our_total: 100,
          our_total_exact: '100',
          our_rows: 120,
          withheld: [],
          difference: 0,
          difference_exact: '0',
          costs: { billed: '100', effective: '95', list: null, contracted: null },
          explanations: [
            {
              from: 'billed',
              to: 'effective',
              difference: -5,
              difference_exact: '-5',
              components: {
                commitment_purchases: '-30',
                commitment_used: '20',
                commitment_unused: '5',
                credits: '0',
                tax: '0',
                other: '0',
              },
            },
          ],
          import_id: 'imp_01jf3m8x5cq2w7n4t6v9b0d1e2',
          version: 1,
        },
      ],
      meta: { as_of: '2024-10-02T06:00:00.000Z', lake_version: 7, complete_until: '2024-09-30' },
    },
  }),
]
