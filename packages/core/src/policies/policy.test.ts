import { describe, expect, test } from 'vitest'
import { dismiss } from '../recommendations/recommendations.ts'
import { advise } from '../recommendations/advise.ts'
import { Fault } from '../kernel/fault.ts'
import { system } from '../kernel/actor.ts'
import { adviceIn } from '../testing/advice.ts'
import { charge, detached, fleetWorld, resource } from '../testing/fleet.ts'
import { refusal } from '../testing/identity.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'
import * as Policies from './policies.ts'

const daily = { type: 'schedule' as const, config: { rate: '1 day' } }
const deleting = {
  name: 'Unattached disks',
  trigger: daily,
  conditions: [{ field: 'attached', operator: '=', value: false }],
  actions: [{ type: 'delete-volume' }],
}

async function made(given: Partial<Parameters<typeof Policies.create>[1]> = {}) {
  const runtime = memoryRuntime()
  const ctx = testContext(runtime)
  const { policyId } = await Policies.create(ctx, { ...deleting, ...given })
  return { ctx, runtime, id: policyId }
}

const complaintsOf = async (promise: Promise<unknown>) =>
  await promise.then(
    () => [],
    (error: unknown) => (error instanceof Fault ? error.complaints : [error]),
  )

describe('a policy', () => {
  test('is read as it was written, with safe limits and its next times', async () => {
    const { ctx, runtime, id } = await made()
    const policy = await Policies.get(ctx, { id })
    expect(policy).toMatchObject({
      ...deleting,
      id,
      enabled: true,
      description: '',
      actions: [{ type: 'delete-volume', config: {} }],
      safetyControls: { dryRunFirst: true, requireApproval: true, rollbackEnabled: true, maxResourcesPerExecution: 10 },
      lastExecuted: null,
      executionCount: 0,
      successRate: null,
      nextRuns: ['2026-11-24', '2026-11-25', '2026-11-26', '2026-11-27', '2026-11-28'].map(
        (day) => `${day}T00:00:00.000Z`,
      ),
      version: 1,
    })
    expect((await Policies.list(ctx, {})).policies).toEqual([policy])
    expect(runtime.events).toMatchObject([{ name: 'policy.changed', data: { policyId: id } }])
  })

  test('that is disabled has no next time', async () => {
    const { ctx, id } = await made({ enabled: false })
    expect(await Policies.get(ctx, { id })).toMatchObject({ nextRuns: [] })
  })

  test('keeps what a change does not give, also of its limits', async () => {
    const { ctx, id } = await made({ safetyControls: { maxSharePercent: 20, protectedTags: [{ key: 'prod' }] } })
    const before = await Policies.get(ctx, { id })
    const after = await Policies.update(ctx, { id, enabled: false, safetyControls: { maxResourcesPerExecution: 5 } })
    expect(after).toEqual({
      ...before,
      enabled: false,
      nextRuns: [],
      safetyControls: { ...before.safetyControls, maxResourcesPerExecution: 5 },
      version: 2,
    })
    expect(await Policies.get(ctx, { id })).toEqual(after)
  })

  test('is not changed over a change that the caller has not seen', async () => {
    const { ctx, id } = await made()
    await Policies.update(ctx, { id, name: 'First', version: 1 })
    expect(await refusal(Policies.update(ctx, { id, name: 'Second', version: 1 }))).toMatchObject({ code: 'conflict' })
    expect(await Policies.get(ctx, { id })).toMatchObject({ name: 'First' })
  })

  test('that is deleted is gone', async () => {
    const { ctx, runtime, id } = await made()
    await Policies.remove(ctx, { id })
    expect(await refusal(Policies.get(ctx, { id }))).toMatchObject({ code: 'not_found' })
    expect(runtime.events).toHaveLength(2)
  })

  test('of another organization does not exist', async () => {
    const { ctx, id } = await made()
    const stranger = { ...ctx, orgId: 'org_other' }
    for (const attempt of [
      Policies.get(stranger, { id }),
      Policies.update(stranger, { id, enabled: false }),
      Policies.remove(stranger, { id }),
      Policies.preview(stranger, { policyId: id }),
    ])
      expect(await refusal(attempt)).toMatchObject({ code: 'not_found' })
    expect((await Policies.list(stranger, {})).policies).toEqual([])
    expect(await Policies.get(ctx, { id })).toMatchObject({ version: 1 })
  })

  test.each<[string, object, string, RegExp]>([
    ['an unknown action', { actions: [{ type: 'drop' }] }, 'actions.0.type', /must be one of stop-instance/],
    [
      'two actions',
      { actions: [{ type: 'stop-instance' }, { type: 'start-instance' }] },
      'actions',
      /must be one action/,
    ],
    ['no action', { actions: [] }, 'actions', /must be one action/],
    [
      'another parameter',
      { actions: [{ type: 'stop-instance', config: { force: true } }] },
      'actions.0.config',
      /stop-instance has: no parameters/,
    ],
    [
      'a wrong parameter',
      { actions: [{ type: 'set-log-retention', config: { days: 0 } }] },
      'actions.0.config.days',
      /has: days/,
    ],
    ['no time', { trigger: { type: 'schedule', config: {} } }, 'trigger.config', /a rate or a cron/],
    [
      'two times',
      { trigger: { type: 'schedule', config: { rate: '1 day', cron: '* * * * *' } } },
      'trigger.config',
      /a rate or a cron/,
    ],
    ['a wrong cron', { trigger: { type: 'schedule', config: { cron: '0 25 * * *' } } }, 'trigger.config.cron', /hour/],
    [
      'a wrong zone',
      { trigger: { type: 'schedule', config: { rate: '1 day', timezone: 'Mars' } } },
      'trigger.config.timezone',
      /IANA/,
    ],
    [
      'an event that starts nothing',
      { trigger: { type: 'event', config: { event: 'mail.requested' } } },
      'trigger.config.event',
      /anomaly.detected/,
    ],
    [
      'a cost without currency',
      { trigger: { type: 'threshold', config: { metric: 'daily_cost', operator: '>', value: '5' } } },
      'trigger.config.currency',
      /must be given/,
    ],
    [
      'an unknown condition',
      { conditions: [{ field: 'cpu', operator: '<', value: 5 }] },
      'conditions.0.field',
      /must be one of provider/,
    ],
    [
      'no approval of what cannot be undone',
      { actions: [{ type: 'delete-snapshot' }], safetyControls: { requireApproval: false } },
      'safetyControls.requireApproval',
      /must be required/,
    ],
    [
      'too many resources',
      { safetyControls: { maxResourcesPerExecution: 51 } },
      'safetyControls.maxResourcesPerExecution',
      /50/,
    ],
  ])('with %s is refused', async (_, given, path, message) => {
    const wrong = { ...deleting, ...given } as Parameters<typeof Policies.create>[1]
    const { ctx } = await made()
    expect(await complaintsOf(Policies.create(ctx, wrong))).toEqual([
      { path, message: expect.stringMatching(message) as string },
    ])
  })

  test('cannot lose its approval later if its action cannot be undone', async () => {
    const { ctx, id } = await made({ actions: [{ type: 'delete-snapshot' }] })
    const without = { id, safetyControls: { requireApproval: false } }
    expect(await complaintsOf(Policies.update(ctx, without))).toHaveLength(1)
    expect(await Policies.get(ctx, { id })).toMatchObject({ safetyControls: { requireApproval: true } })
  })

  test('of users who may only read is not theirs to change', async () => {
    const { ctx, id } = await made()
    const reader = { ...ctx, actor: { ...system('reader'), permissions: new Set(['read:policies'] as const) } }
    expect(await Policies.get(reader, { id })).toMatchObject({ id })
    const dear = { conditions: [{ field: 'monthly_cost', operator: '>', value: 1 }], actions: deleting.actions }
    for (const attempt of [
      Policies.create(reader, deleting),
      Policies.remove(reader, { id }),
      Policies.preview(reader, dear),
    ])
      expect(await refusal(attempt)).toMatchObject({ code: 'forbidden' })
  })
})

describe('a preview', () => {
  const resources = [
    resource('vol-free', { tags: '{"Team":"red"}' }),
    resource('vol-used', { attachedTo: 'i-1', status: 'in-use' }),
    resource('vol-prod', { tags: '{"Environment":"prod"}' }),
    resource('vol-kept', { tags: '{"cloudoptima:protected":"true"}' }),
    resource('vol-dear'),
    resource('snap', { kind: 'snapshot' }),
  ]
  const charges = [charge('vol-free', '8.1'), charge('vol-dear', '80.2'), charge('vol-prod', '99')]

  test('shows what matches with its exact cost, and why each other resource does not', async () => {
    const { ctx } = await fleetWorld({ resources, charges })
    const { summary, resources: shown } = await Policies.preview(ctx, {
      conditions: deleting.conditions,
      actions: deleting.actions,
      safetyControls: { protectedTags: [{ key: 'Environment', value: 'prod' }] },
    })
    expect(summary).toEqual({
      fleet: 5,
      matching: 2,
      costs: [{ currency: 'USD', monthly: 88.3, monthlyExact: '88.3' }],
      withoutCost: 0,
    })
    expect(shown.map(({ resourceId, matches, failures }) => [resourceId, matches, failures])).toEqual([
      ['vol-dear', true, []],
      ['vol-free', true, []],
      ['vol-prod', false, [{ condition: 'protected: tags.Environment != prod', actual: 'prod' }]],
      ['vol-kept', false, [{ condition: 'protected: tags.cloudoptima:protected != true', actual: 'true' }]],
      ['vol-used', false, [{ condition: 'attached = false', actual: 'true' }]],
    ])
  })

  test('of a policy pages through those that match, or the others', async () => {
    const { ctx } = await fleetWorld({ resources, charges })
    const { policyId } = await Policies.create(ctx, deleting)
    const page = async (show: 'matching' | 'others', page: number) => {
      const { resources: shown, pagination } = await Policies.preview(ctx, { policyId, show, page, pageSize: 2 })
      return [shown.map(({ resourceId }) => resourceId), pagination.total]
    }
    expect(await page('matching', 2)).toEqual([['vol-free'], 3])
    expect(await page('others', 1)).toEqual([['vol-kept', 'vol-used'], 2])
  })

  test('asks all conditions of one recommendation, and of none that is dismissed', async () => {
    const { ctx } = await fleetWorld({ resources, charges, changes: [detached('vol-free'), detached('vol-dear')] })
    await advise(ctx)
    const asked = {
      conditions: [
        { field: 'recommendation.rule', operator: '=', value: 'aws-volume-unattached' },
        { field: 'recommendation.saving', operator: '>=', value: '80' },
        { field: 'unattached_days', operator: '>', value: 57 },
      ],
      actions: deleting.actions,
      show: 'matching' as const,
    }
    expect((await Policies.preview(ctx, asked)).resources).toMatchObject([{ resourceId: 'vol-dear' }])
    for (const {
      id,
      resources: [first],
    } of await ctx.tables.recommendations.all(ctx.orgId))
      if (first?.id === 'vol-dear') await dismiss(ctx, { id, reason: 'It is wanted.' })
    expect((await Policies.preview(ctx, asked)).resources).toEqual([])
  })

  test('reads utilization and histories only if a condition asks for them', async () => {
    const { ctx } = await fleetWorld({ resources, charges })
    const { query } = ctx.runtime.lake
    const asked = new Set<string>()
    ctx.runtime.lake.query = async (name, ...rest) => {
      asked.add(name)
      return await query(name, ...rest)
    }
    await adviceIn(ctx, { id: 'rec_1', resourceId: 'vol-free', saving: '8' })
    await Policies.preview(ctx, { conditions: deleting.conditions, actions: deleting.actions })
    expect(asked).toEqual(new Set(['resources', 'resourceCount', 'resourceCharges']))
    const idle = [{ field: 'disk_operations_avg', operator: '<', value: 1 }]
    await Policies.preview(ctx, { conditions: idle, actions: deleting.actions })
    expect(asked).toContain('resourceChanges')
  })

  test('shows no costs to those who must not read them', async () => {
    const { ctx } = await fleetWorld({ resources, charges })
    const reader = { ...ctx, actor: { ...system('reader'), permissions: new Set(['read:policies'] as const) } }
    const { summary, resources: shown } = await Policies.preview(reader, { actions: deleting.actions })
    expect([summary.costs, summary.matching, new Set(shown.map((one) => one.monthlyCost))]).toEqual([
      [],
      4,
      new Set([null]),
    ])
  })

  test('needs a policy or an action', async () => {
    const { ctx } = await fleetWorld({ resources, charges })
    expect(await complaintsOf(Policies.preview(ctx, {}))).toMatchObject([{ path: 'actions' }])
  })
})

describe('a template', () => {
  test('makes valid policies that are disabled, with the parameters that are given', async () => {
    const ctx = testContext(memoryRuntime())
    const { templates } = await Policies.templates(ctx, {})
    expect(templates.map(({ id }) => id)).toEqual([
      'off-hours',
      'unattached-disks',
      'old-snapshots',
      'gp2-to-gp3',
      'untagged',
    ])
    for (const { id, policies: names } of templates) {
      const { policies } = await Policies.createFrom(ctx, { id })
      expect(policies.map(({ name, enabled }) => [name, enabled])).toEqual(names.map((name) => [name, false]))
    }
    const parameters = { timeZone: 'Europe/Zurich', stopAt: '20:30', tagKey: 'hours', tagValue: 'day' }
    const { policies } = await Policies.createFrom(ctx, {
      id: 'off-hours',
      parameters,
      enabled: true,
      namePrefix: 'Zurich',
    })
    expect(policies).toMatchObject([
      {
        name: 'Zurich Off-hours: stop in the evening',
        trigger: { config: { cron: '30 20 * * 1-5', timezone: 'Europe/Zurich' } },
        conditions: [
          { field: 'tags.hours', value: 'day' },
          { field: 'status', value: 'running' },
        ],
        nextRuns: [
          '2026-11-23T19:30:00.000Z',
          '2026-11-24T19:30:00.000Z',
          '2026-11-25T19:30:00.000Z',
          '2026-11-26T19:30:00.000Z',
          '2026-11-27T19:30:00.000Z',
        ],
      },
      { trigger: { config: { cron: '0 7 * * 1-5' } }, actions: [{ type: 'start-instance' }] },
    ])
  })

  test('of another name does not exist', async () => {
    const ctx = testContext(memoryRuntime())
    expect(await refusal(Policies.createFrom(ctx, { id: 'toString' }))).toMatchObject({ code: 'not_found' })
  })
})
