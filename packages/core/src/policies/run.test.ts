import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Context } from '../effects/context.ts'
import type { Queries } from '../effects/queries.ts'
import * as Organization from '../organization/organization.ts'
import { charge, type FleetWorld, fleetWorld, now, resource } from '../testing/fleet.ts'
import { refusal } from '../testing/identity.ts'
import { eachTable, killedAt } from '../testing/processes.ts'
import { memoryRuntime, over, testContext } from '../testing/runtime.ts'
import * as Policies from './policies.ts'
import { crossed, react } from './reactions.ts'
import { consume, count } from './run.ts'
import { evaluate } from './thresholds.ts'
import { setTimer, setTimers } from './timers.ts'

const schedule = { type: 'schedule' as const, config: { rate: '6 hours' } }
const onFound = { type: 'event' as const, config: { event: 'resource.changed' } }
const free = [{ field: 'attached', operator: '=', value: false }]

async function ready(given: Partial<Parameters<typeof Policies.create>[1]> = {}, more: Partial<FleetWorld> = {}) {
  const resources = [
    resource('vol-1'),
    resource('vol-2'),
    resource('vol-3', { attachedTo: 'i-1', status: 'in-use' }),
    resource('snap-1', { kind: 'snapshot' }),
  ]
  const { ctx, runtime } = await fleetWorld({ resources, charges: [charge('vol-1', '8.1')], ...more })
  await ctx.tables.organizations.put(ctx.orgId, Organization.founded(ctx.orgId, 'Example', 'usr_1', new Date(now)))
  const policy = { name: 'Free disks', trigger: schedule, conditions: free, actions: [{ type: 'delete-volume' }] }
  const { policyId: id } = await Policies.create(ctx, { ...policy, ...given })
  const executions = async () => await ctx.tables.policyExecutions.all(ctx.orgId)
  return { ctx, runtime, id, executions }
}

const due = (policyId: string) => ({ policyId, trigger: { type: 'schedule' as const } })
const gathered = (policyId: string) => ({ policyId, trigger: { type: 'gathered' as const } })

const changed = (id: string, ...ids: string[]) => ({
  id,
  name: 'resource.changed' as const,
  data: {
    syncId: 'syn_1',
    lakeVersion: 1,
    provider: 'aws',
    accountId: '1',
    counts: { detached: ids.length },
    resources: ids.map((one) => ({ id: one, change: 'detached' as const })),
    takenAt: now,
  },
})

/** Ends what goes on, as a workflow does. */
async function endAll(ctx: Context): Promise<void> {
  for (const { id: executionId, dryRun, status: before } of await ctx.tables.policyExecutions.all(ctx.orgId)) {
    if (before !== 'planning') continue
    const status = dryRun ? 'planned' : 'succeeded'
    await ctx.tables.policyExecutions.update(ctx.orgId, executionId, (info) => ({ ...info, status }))
    await count(ctx, { data: { executionId, status } })
  }
}

const at = (ctx: Context, time: string): Context => ({ ...ctx, now: () => new Date(time) })

describe('an execution of a policy', () => {
  test('has what matches, costliest first, the whole fleet, and who asked for it', async () => {
    const { ctx, id, executions } = await ready()
    const done = await Policies.execute(ctx, { id, dryRun: true })
    expect(done).toMatchObject({ dryRun: true, matched: 2, status: 'planning' })
    expect(await executions()).toMatchObject([
      {
        id: done.executionId,
        policyId: id,
        action: 'delete-volume',
        resources: [
          { id: 'vol-1', monthlyCost: { amount: '8.1', currency: 'USD' } },
          { id: 'vol-2', monthlyCost: null },
        ],
        fleetSize: 3,
        dryRun: true,
        requestedBy: ctx.actor.id,
      },
    ])
    const policy = await Policies.get(ctx, { id })
    const lastRun = { trigger: 'manual', matched: 2, executionId: done.executionId }
    expect(policy).toMatchObject({ executionCount: 1, successRate: null, lastExecuted: now, lastRun })
    expect((await Policies.executions(ctx, { id })).executions).toMatchObject([{ id: done.executionId }])
  })

  test('is a dry run first, again after a change of what it does, but not of its name', async () => {
    const { ctx, id } = await ready()
    expect(await refusal(Policies.execute(ctx, { id }))).toMatchObject({ code: 'conflict' })
    await Policies.execute(ctx, { id, dryRun: true })
    // It counts when it has ended.
    expect(await refusal(Policies.execute(ctx, { id }))).toMatchObject({ code: 'conflict' })
    await endAll(ctx)
    await Policies.update(ctx, { id, name: 'Another name' })
    expect(await Policies.execute(ctx, { id })).toMatchObject({ dryRun: false })
    await Policies.update(ctx, { id, conditions: [] })
    expect(await refusal(Policies.execute(ctx, { id }))).toMatchObject({ code: 'conflict' })
  })

  test('needs a dry run of the same definition that did not fail', async () => {
    const { ctx, id, executions } = await ready()
    await Policies.execute(ctx, { id, dryRun: true })
    await Policies.update(ctx, { id, conditions: [] })
    await endAll(ctx)
    expect(await refusal(Policies.execute(ctx, { id }))).toMatchObject({ code: 'conflict' })
    const { executionId } = await Policies.execute(ctx, { id, dryRun: true })
    await ctx.tables.policyExecutions.update(ctx.orgId, executionId, (info) => ({ ...info, status: 'failed' }))
    await count(ctx, { data: { executionId, status: 'failed' } })
    expect(await refusal(Policies.execute(ctx, { id }))).toMatchObject({ code: 'conflict' })
    await Policies.execute(ctx, { id, dryRun: true })
    await endAll(ctx)
    expect(await Policies.execute(ctx, { id })).toMatchObject({ dryRun: false })
    expect(await executions()).toHaveLength(4)
  })

  test('of a disabled policy can only be a dry run', async () => {
    const { ctx, id } = await ready({ enabled: false, safetyControls: { dryRunFirst: false } })
    expect(await refusal(Policies.execute(ctx, { id }))).toMatchObject({ code: 'conflict' })
    expect(await Policies.execute(ctx, { id, dryRun: true })).toMatchObject({ dryRun: true })
  })

  test('of another organization is never requested', async () => {
    const { ctx, id, executions } = await ready()
    const stranger = { ...ctx, orgId: 'org_other' }
    await consume(stranger, due(id))
    expect(await refusal(Policies.execute(stranger, { id, dryRun: true }))).toMatchObject({ code: 'not_found' })
    expect(await refusal(Policies.executions(stranger, { id }))).toMatchObject({ code: 'not_found' })
    expect(await executions()).toEqual([])
    expect(await stranger.tables.policyExecutions.all('org_other')).toEqual([])
  })

  test('counts for the success rate when it ends, once, unless it was a dry run', async () => {
    const { ctx, id, executions } = await ready({ safetyControls: { dryRunFirst: false } })
    for (const [dryRun, status] of [
      [true, 'planned'],
      [false, 'succeeded'],
      [false, 'failed'],
      [false, 'succeeded'],
    ] as const) {
      const { executionId } = await Policies.execute(ctx, { id, dryRun })
      await ctx.tables.policyExecutions.update(ctx.orgId, executionId, (info) => ({ ...info, status }))
      for (let n = 0; n < 2; n++) await count(ctx, { data: { executionId, status } })
    }
    expect(await executions()).toHaveLength(4)
    expect(await Policies.get(ctx, { id })).toMatchObject({ executionCount: 4, successRate: 66.67 })
  })
})

describe('a trigger', () => {
  test('of each event is in one execution, and one goes on at a time: any order, any repetition', async () => {
    const act = fc.oneof(
      fc.record({ event: fc.constantFrom('a', 'b', 'c', 'd'), of: fc.constantFrom('vol-1', 'vol-2') }),
      fc.constantFrom('deliver', 'deliver twice', 'end'),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 16 }), async (acts) => {
        const { ctx, runtime, id, executions } = await ready({ trigger: onFound })
        const seen = new Set<string>()
        const deliver = async (times: number) => {
          for (const { data } of runtime.sent.splice(0))
            for (let n = 0; n < times; n++) await consume(ctx, data as Parameters<typeof consume>[1])
        }
        for (const one of acts) {
          if (typeof one === 'object') {
            seen.add(one.event)
            await react(ctx, changed(one.event, one.of))
          } else if (one === 'end') await endAll(ctx)
          else await deliver(one === 'deliver' ? 1 : 2)
          const live = (await executions()).filter(({ status }) => status === 'planning')
          expect(live.length).toBeLessThanOrEqual(1)
        }
        for (await endAll(ctx); runtime.sent.length > 0; await endAll(ctx)) await deliver(1)
        const triggers = (await executions()).map(({ cause }) => (cause.kind === 'policy' ? cause.trigger : undefined))
        const events = triggers.map((trigger) => (trigger?.type === 'event' ? (trigger.events ?? 1) : 0))
        expect(events.reduce((sum, count) => sum + count, 0)).toBe(seen.size)
        expect((await Policies.get(ctx, { id })).executionCount).toBe(events.length)
      }),
      { numRuns: 40 },
    )
  })

  test('of 1,000 events is one execution with the caps of one', async () => {
    const { ctx, runtime, id, executions } = await ready({ trigger: onFound })
    for (let n = 0; n < 1000; n++) await react(ctx, changed(`evt_${n}`, n % 2 === 0 ? 'vol-1' : 'vol-2'))
    expect(runtime.sent[0]).toMatchObject({ queue: 'remediation', data: gathered(id), options: { delaySeconds: 60 } })
    for (let n = 0; n < 3; n++) await consume(ctx, gathered(id))
    expect(await executions()).toMatchObject([
      { resources: [{ id: 'vol-1' }, { id: 'vol-2' }], fleetSize: 3, cause: { trigger: { events: 1000 } } },
    ])
  })

  test('of an event is not lost and not done twice if its process is killed at any write', async () => {
    for (let writes = 0, ended = false; !ended; writes++) {
      const { ctx, runtime, id, executions } = await ready({ trigger: onFound })
      await react(ctx, changed('evt_1', 'vol-1'))
      const left = { left: writes }
      const killed = { ...runtime, tables: eachTable(runtime.tables, (table) => killedAt(table, left)) }
      ended = await consume(over(ctx, killed), gathered(id)).then(
        () => true,
        () => false,
      )
      await consume(ctx, gathered(id))
      await endAll(ctx)
      await consume(ctx, gathered(id))
      expect([writes, (await executions()).length]).toStrictEqual([writes, 1])
      expect(await runtime.tables.policyBatches.all(ctx.orgId)).toStrictEqual([])
    }
  })

  test('begins with a dry run, and asks in the name of who changed the policy', async () => {
    const { ctx, id, executions } = await ready()
    await consume(ctx, due(id))
    expect(await executions()).toMatchObject([
      { dryRun: true, requestedBy: ctx.actor.id, cause: { trigger: { type: 'schedule', at: now } } },
    ])
  })

  test('waits while an execution of the policy goes on, and comes after its end', async () => {
    const { ctx, id, executions } = await ready({ safetyControls: { dryRunFirst: false } })
    await consume(ctx, due(id))
    await consume(at(ctx, '2026-11-29T12:00:00.000Z'), due(id))
    expect(await executions()).toHaveLength(1)
    const [first] = await executions()
    const move = async (status: 'awaiting_approval' | 'planned' | 'failed', executionId = first?.id ?? '') =>
      await ctx.tables.policyExecutions.update(ctx.orgId, executionId, (info) => ({ ...info, status }))
    // A dry run by hand, of which the plan is made or not, lifts nothing.
    await move('awaiting_approval')
    const dryRun = await Policies.execute(ctx, { id, dryRun: true })
    await consume(at(ctx, '2026-11-29T18:00:00.000Z'), due(id))
    await move('planned', dryRun.executionId)
    await consume(at(ctx, '2026-11-29T18:00:00.000Z'), due(id))
    expect((await executions()).map((one) => one.dryRun).toSorted()).toEqual([false, true])
    await move('failed')
    await consume(at(ctx, '2026-11-30T00:00:00.000Z'), due(id))
    expect((await executions()).map((one) => one.dryRun).toSorted()).toEqual([false, false, true])
    for (const one of await executions()) await move('failed', one.id)
    // The same time, delivered late.
    await consume(at(ctx, '2026-11-30T03:00:00.000Z'), due(id))
    expect(await executions()).toHaveLength(3)
  })

  test('goes on while a dry run of the policy does', async () => {
    const { ctx, id, executions } = await ready({ safetyControls: { dryRunFirst: false } })
    await Policies.execute(ctx, { id, dryRun: true })
    await consume(ctx, due(id))
    expect((await executions()).map(({ dryRun }) => dryRun).toSorted()).toEqual([false, true])
  })

  test('of the template off-hours starts what was stopped, on the next morning', async () => {
    const tags = JSON.stringify({ Schedule: 'office-hours' })
    const instance = (id: string, status: string) => resource(id, { kind: 'instance', status, attachedTo: null, tags })
    const { ctx, executions } = await ready({}, { resources: [instance('i-1', 'running'), instance('i-2', 'stopped')] })
    const { policyIds } = await Policies.createFrom(ctx, { id: 'off-hours', enabled: true })
    const [stop = '', start = ''] = policyIds
    await consume(at(ctx, '2026-11-30T19:00:00.000Z'), due(stop))
    await consume(at(ctx, '2026-12-01T07:00:00.000Z'), due(start))
    const asked = (await executions()).map(({ action, dryRun, resources }) => [action, dryRun, resources[0]?.id])
    expect(asked.toSorted()).toEqual([
      ['start-instance', false, 'i-2'],
      ['stop-instance', true, 'i-1'],
    ])
  })

  test('that names resources for a dry run leaves them to an execution by hand', async () => {
    const { ctx, id, executions } = await ready({ trigger: onFound })
    await react(ctx, changed('evt_1', 'vol-2'))
    await consume(ctx, gathered(id))
    const [shown] = await executions()
    expect(shown).toMatchObject({ dryRun: true, resources: [{ id: 'vol-2' }] })
    await endAll(ctx)
    const { executionId } = await Policies.execute(ctx, { id })
    const made = await ctx.tables.policyExecutions.get(ctx.orgId, executionId)
    expect(made?.resources.map((one) => one.id)).toContain('vol-2')
  })

  test('of a policy that is disabled, deleted or waits for something else does nothing', async () => {
    const { ctx, id, executions } = await ready()
    await consume(ctx, gathered(id))
    await Policies.update(ctx, { id, enabled: false })
    await consume(ctx, due(id))
    await Policies.remove(ctx, { id })
    await consume(ctx, due(id))
    expect(await executions()).toEqual([])
  })

  test('of a policy that waits for something else by then, or is disabled, is forgotten', async () => {
    const { ctx, id, executions } = await ready({ trigger: onFound })
    await react(ctx, changed('evt_1', 'vol-1'))
    await Policies.update(ctx, { id, enabled: false })
    await consume(ctx, gathered(id))
    await Policies.update(ctx, { id, enabled: true })
    await consume(ctx, gathered(id))
    await react(ctx, changed('evt_2', 'vol-1'))
    await Policies.update(ctx, { id, trigger: { type: 'event', config: { event: 'anomaly.detected' } } })
    await consume(ctx, gathered(id))
    expect(await executions()).toEqual([])
  })

  test('that matches nothing requests nothing, and says so', async () => {
    const { ctx, id, executions } = await ready({ conditions: [{ field: 'name', operator: 'exists' }] })
    await consume(ctx, due(id))
    expect(await executions()).toEqual([])
    expect(await Policies.get(ctx, { id })).toMatchObject({
      lastRun: { matched: 0, executionId: null },
      executionCount: 0,
    })
  })

  test('by an event is for the resources of the event only, of the whole fleet', async () => {
    const { ctx, runtime, id, executions } = await ready({ trigger: onFound })
    await react(ctx, changed('evt_1', 'VOL-2'))
    await react(ctx, { id: 'evt_2', name: 'anomaly.detected', data: { anomalyId: 'ano_1', severity: 'high' } })
    expect(runtime.sent).toHaveLength(1)
    await consume(ctx, gathered(id))
    expect(await executions()).toMatchObject([{ resources: [{ id: 'vol-2' }], matched: 1, fleetSize: 3 }])
  })

  test('by an event whose list is cut is for all resources that changed, by the lake', async () => {
    const { ctx, runtime, id, executions } = await ready({ trigger: onFound })
    const { query } = ctx.runtime.lake
    const asked: unknown[] = []
    const row = { kind: 'volume', change: 'detached', at: now, earlier: null, later: null }
    ctx.runtime.lake.query = async (name, files, parameters) => {
      if (name !== 'resourceChanges') return await query(name, files, parameters)
      asked.push(parameters)
      const own = ['vol-1', 'vol-2'].map((one) => ({ ...row, id: one, provider: 'aws', accountId: '1' }))
      return [...own, { ...row, id: 'vol-3', provider: 'aws', accountId: '2' }] as never
    }
    const { data, ...event } = changed('evt_1', 'vol-2')
    await react(ctx, { ...event, data: { ...data, counts: { detached: 5000 } } })
    await consume(ctx, gathered(id))
    expect(asked).toMatchObject([{ start: now, end: new Date(Date.parse(now) + 1).toISOString() }])
    expect((await executions())[0]?.resources.map((one) => one.id)).toStrictEqual(['vol-1', 'vol-2'])
    expect(runtime.sent).toHaveLength(1)
  })
})

describe('the timer of a policy', () => {
  test('is set, replaced and removed as the policy says', async () => {
    const { ctx, runtime, id } = await ready()
    await setTimer(ctx, id)
    expect([...runtime.held.values()]).toEqual([{ id, timing: { everyMinutes: 360 } }])
    await Policies.update(ctx, { id, trigger: { type: 'schedule', config: { cron: '0 6 * * *' } } })
    await setTimer(ctx, id)
    expect([...runtime.held.values()]).toEqual([{ id, timing: { cron: '0 6 * * *', timeZone: 'UTC' } }])
    await Policies.update(ctx, { id, enabled: false })
    await setTimer(ctx, id)
    expect(runtime.held.size).toBe(0)
  })

  test('that was lost is set again by the sweep, and one of a deleted policy is removed when it fires', async () => {
    const { ctx, runtime, id } = await ready()
    await setTimers(ctx)
    expect(runtime.held.size).toBe(1)
    await Policies.remove(ctx, { id })
    await consume(ctx, due(id))
    expect(runtime.held.size).toBe(0)
  })
})

/** Answers of an unchanged lake are remembered for each runtime. */
const fresh = (ctx: Context): Context => ({ ...ctx, runtime: { ...ctx.runtime } })

/** The mean CPU of all hours of 14 days, in percent. */
async function withUtilization(ctx: Context, levels: Record<string, number>): Promise<void> {
  const { query } = ctx.runtime.lake
  const rows = Object.entries(levels).map(([id, average]) => ({
    id,
    metric: 'cpu',
    off: 0,
    average,
    p99: null,
    peakP99: null,
    maximum: average,
    hours: 336,
    hoursExpected: 336,
  }))
  ctx.runtime.lake.query = async (name, ...rest) =>
    name === 'utilizationLevels' ? (rows as never) : await query(name, ...rest)
}

describe('a threshold', () => {
  const daily = (operator: '>' | '<' = '>') => ({
    type: 'threshold' as const,
    config: { metric: 'daily_cost', operator, value: '100', currency: 'USD' },
  })

  test('fires once for each crossing, and again after the cost went back', async () => {
    const { ctx, runtime, id } = await ready({ trigger: daily() })
    const asked: unknown[] = []
    let cost = '100'
    ctx.runtime.lake.query = async (name, _, parameters) => {
      asked.push(parameters)
      const row: Queries['costOverview']['row'] = {
        part: 'day',
        key: '2026-11-28',
        currency: 'USD',
        cost,
        rateDay: null,
      }
      return name === 'costOverview' ? ([row] as never) : []
    }
    const crossings = () => runtime.events.filter(({ name }) => name === 'threshold.crossed')
    for (const [next, fired] of [
      ['100', 0],
      ['100.01', 1],
      ['500', 1],
      ['99', 1],
      ['100.000000000000000001', 2],
    ] as const) {
      cost = next
      for (let n = 0; n < 2; n++) await evaluate(fresh(ctx), 'costs')
      expect([next, crossings().length]).toEqual([next, fired])
    }
    await evaluate(ctx, 'resources')
    expect(asked[0]).toMatchObject({ start: '2026-11-27', end: '2026-11-27' })
    const [first] = crossings()
    await crossed(ctx, first as Parameters<typeof crossed>[1])
    expect(runtime.sent.at(-1)?.data).toEqual(gathered(id))
    // While the last execution goes on, a crossing waits for its end.
    await Policies.execute(ctx, { id, dryRun: true })
    await consume(ctx, gathered(id))
    expect(await ctx.tables.policyExecutions.all(ctx.orgId)).toHaveLength(1)
    runtime.sent.splice(0)
    await endAll(ctx)
    expect(runtime.sent.map(({ data }) => data)).toEqual([gathered(id)])
    const waiting = await ctx.tables.policyWakes.all(ctx.orgId)
    expect(waiting.map(({ trigger }) => trigger)).toEqual([
      { type: 'threshold', metric: 'daily_cost', value: '100.01', at: now },
    ])
  })

  test('that is changed begins anew', async () => {
    const { ctx, runtime, id } = await ready({ trigger: daily('<') })
    await evaluate(fresh(ctx), 'costs')
    await evaluate(fresh(ctx), 'costs')
    const crossings = () => runtime.events.filter(({ name }) => name === 'threshold.crossed').length
    expect(crossings()).toBe(1)
    const { config } = daily('<')
    await Policies.update(ctx, { id, trigger: { type: 'threshold', config: { ...config, value: '99' } } })
    await evaluate(fresh(ctx), 'costs')
    expect(crossings()).toBe(2)
  })

  test('of costs without bills is not known, and asks nothing', async () => {
    const runtime = memoryRuntime()
    const ctx = testContext(runtime)
    await Policies.create(ctx, { name: 'Cheap', trigger: daily('<'), actions: [{ type: 'delete-volume' }] })
    await evaluate(ctx, 'costs')
    expect(runtime.events.map(({ name }) => name)).toEqual(['policy.changed'])
  })

  test('of utilization is the mean of the resources whose hours are known', async () => {
    const instance = (id: string) => resource(id, { kind: 'instance', status: 'running', attachedTo: null })
    const trigger = { type: 'threshold' as const, config: { metric: 'cpu_avg', operator: '<' as const, value: '5' } }
    const given = { trigger, conditions: [], actions: [{ type: 'stop-instance' }] }
    const { ctx, runtime } = await ready(given, { resources: ['i-1', 'i-2', 'i-3'].map(instance) })
    await withUtilization(ctx, { 'i-1': 3, 'i-2': 6 })
    await evaluate(ctx, 'resources')
    await evaluate(ctx, 'costs')
    expect(runtime.events.filter(({ name }) => name === 'threshold.crossed')).toMatchObject([
      { data: { value: '4.5' } },
    ])
  })
})
