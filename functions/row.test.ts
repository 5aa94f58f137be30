import {
  consumer,
  events,
  noOrganization,
  rowsOf,
  step,
  subscription,
  type Context,
  type Wiring,
} from '@cloudoptima/core'
import { memoryRuntime } from '@cloudoptima/core/testing'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { handlerOf } from './row.ts'

const seen: { orgId: string; actor: string; requestId: string; input: unknown }[] = []
const see = async ({ orgId, actor, requestId }: Context, input: unknown) => {
  seen.push({ orgId, actor: actor.id, requestId, input })
  if ((input as { fails?: true }).fails) throw new Error('away')
  return { seen: seen.length }
}
const Shape = z.object({ importId: z.string(), fails: z.literal(true).optional() })
const table: Wiring = {
  events,
  workflows: { bills: { definition: { StartAt: '', States: {} }, steps: { Look: step(Shape, see) } } },
  subscriptions: { look: subscription(events, 'cost.landed', async (ctx, event) => void (await see(ctx, event))) },
  schedules: {
    look: {
      rate: { everyMinutes: 1 },
      run: async (ctx, isOutOfTime) => {
        for (let turn = 1; !isOutOfTime(); turn++) await see(ctx, { turn })
      },
    },
  },
  queues: {
    look: {
      concurrency: 2,
      visibilitySeconds: 60,
      receives: 3,
      consumer: consumer(Shape, async (ctx, message) => void (await see(ctx, message))),
    },
  },
}
const runtime = memoryRuntime()

/** Calls the function of the only row of this kind. The time that remains is 60 s, and 10 s less at each question. */
async function call(kind: string, event: unknown) {
  const row = rowsOf(table).find((row) => row.kind === kind)
  if (!row) throw new Error(`There is no ${kind}.`)
  let remainingMs = 70_000
  const getRemainingTimeInMillis = () => (remainingMs -= 10_000)
  return await handlerOf(row, runtime)(event, { awsRequestId: 'r1', getRemainingTimeInMillis })
}

beforeEach(() => {
  seen.length = 0
  // The log.
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockReturnValue(true)
})

describe('a step', () => {
  test('gets the organization and its input, and its result is the answer', async () => {
    expect(await call('step', { orgId: 'org', importId: 'imp_1', more: 1 })).toEqual({ seen: 1 })
    expect(seen).toEqual([
      { orgId: 'org', actor: 'workflows/bills/Look', requestId: 'r1', input: { importId: 'imp_1' } },
    ])
  })

  test.each([[{ importId: 'imp_1' }], [{ orgId: '', importId: 'imp_1' }], [{ orgId: 'org', importId: 1 }], [null]])(
    'refuses %j',
    async (input) => {
      await expect(call('step', input)).rejects.toMatchObject({ code: 'invalid' })
      expect(seen).toEqual([])
    },
  )
})

describe('a subscriber', () => {
  const data = { importId: 'imp_1', lakeVersion: 1 }
  const detail = { id: 'evt_1', name: 'cost.landed', orgId: 'org', at: '2026-11-23T00:00:00.000Z', data }

  test('gets the event in the context of its organization, under the id of the event', async () => {
    await call('subscription', { 'detail-type': 'cost.landed', detail })
    expect(seen).toEqual([{ orgId: 'org', actor: 'subscriptions/look', requestId: 'evt_1', input: detail }])
  })

  test.each([[{ detail: { ...detail, data: { importId: 1 } } }], [{ detail: { ...detail, orgId: '' } }], [{}]])(
    'refuses %j',
    async (event) => {
      await expect(call('subscription', event)).rejects.toMatchObject({ code: 'invalid' })
      expect(seen).toEqual([])
    },
  )
})

test('a schedule belongs to no organization, and stops when a fifth of its time is left', async () => {
  await call('schedule', {})
  // 60 s at the start: 50, 40, 30, 20 and not less than 12 s are enough for a turn.
  expect(seen).toEqual(
    [1, 2, 3, 4].map((turn) => ({ orgId: noOrganization, actor: 'schedules/look', requestId: 'r1', input: { turn } })),
  )
})

describe('a consumer', () => {
  const record = (messageId: string, body: unknown) => ({ messageId, body: JSON.stringify(body) })
  const message = (id: string, data: unknown) => record(id, { id, orgId: 'org', sentAt: '2026-11-23', data })

  test('gets each message of a batch, and reports only the messages that failed', async () => {
    const Records = [
      message('m1', { importId: 'imp_1' }),
      message('m2', { importId: 'imp_2', fails: true }),
      message('m3', { importId: 3 }),
      record('m4', { importId: 'imp_4' }),
      message('m5', { importId: 'imp_5' }),
    ]
    const { batchItemFailures } = (await call('consumer', { Records })) as {
      batchItemFailures: { itemIdentifier: string }[]
    }
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).toSorted()).toEqual(['m2', 'm3', 'm4'])
    expect(seen.map(({ orgId, actor, requestId, input }) => [orgId, actor, requestId, input])).toEqual(
      [
        ['m1', { importId: 'imp_1' }],
        ['m2', { importId: 'imp_2', fails: true }],
        ['m5', { importId: 'imp_5' }],
      ].map(([id, input]) => ['org', 'queues/look', id, input]),
    )
  })

  test('that fails with every message of a batch still reports them one by one', async () => {
    const Records = [message('m1', { importId: 1 })]
    expect(await call('consumer', { Records })).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] })
  })
})
