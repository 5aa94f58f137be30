import { expect, test } from 'vitest'
import { charge, fleetWorld, resource } from '../testing/fleet.ts'
import * as Resources from './resources.ts'

test('a database that is called like a bucket does not have the cost of the bucket', async () => {
  const { ctx } = await fleetWorld({
    resources: [
      resource('orders', { kind: 'bucket' }),
      resource('arn:aws:rds:db:orders', { kind: 'database', aliases: '["orders"]' }),
      resource('arn:aws:lambda:function:Mail', { kind: 'function', aliases: '["Mail"]' }),
    ],
    charges: [charge('orders', '500'), charge('arn:aws:rds:db:orders', '70'), charge('mail', '9')],
  })
  const { resources: databases } = await Resources.database(ctx, {})
  const { volumes: buckets } = await Resources.storage(ctx, {})
  const { resources: functions } = await Resources.compute(ctx, {})
  const costs = [...databases, ...buckets, ...functions].map(({ id, monthlyCostExact }) => [id, monthlyCostExact])
  expect(costs).toEqual([
    ['arn:aws:rds:db:orders', '70'],
    ['orders', '500'],
    ['arn:aws:lambda:function:Mail', '9'],
  ])
  expect((await Resources.get(ctx, { id: 'arn:aws:rds:db:orders' })).monthlyCostExact).toBe('70')
})
