import { describe, expect, test, vi } from 'vitest'
import { type CloudAction, Executions } from '@cloudoptima/core'
import { fakeTime, statesOf, typesIn } from './acts.ts'
import { safety } from './cloud.ts'
import { type Machine, openMachine } from './machine.ts'

vi.mock('node:timers/promises', async () => await import('./timers.ts'))
fakeTime()

describe('what is lost for ever', () => {
  test('is never done without an approval that names it, whatever the policy says', async () => {
    const machine = await openMachine(['i-1'])
    machine.cloud.undo = 'none'
    const id = await machine.request({ safetyControls: { ...safety, requireApproval: false } })
    await machine.settle()
    const { planHash: hash, stage } = await machine.execution(id)
    expect(stage).toBe('awaiting_approval')
    const planHash = hash ?? ''
    for (const confirm of [[], ['i-2']])
      await expect(Executions.approve(machine.as('usr_cfo'), { id, planHash, confirm })).rejects.toMatchObject({
        code: 'invalid',
        message: expect.stringContaining('name of i-1') as unknown,
      })
    expect((await machine.execution(id)).targets[0]).toMatchObject({ losesData: null, confirmAs: 'name of i-1' })
    await Executions.approve(machine.as('usr_cfo'), { id, planHash, confirm: ['name of i-1'] })
    await machine.settle()
    expect((await machine.execution(id)).stage).toBe('succeeded')
    await expect(Executions.rollback(machine.as('usr_cfo'), { id })).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('data that is lost for ever', () => {
  const losing = async () => {
    const machine = await openMachine(['i-1', 'i-2'])
    machine.cloud.undo = 'partial'
    machine.cloud.losesData = 'The data on its temporary disk is lost.'
    const id = await machine.request({ safetyControls: { ...safety, requireApproval: false } })
    await machine.settle()
    return { machine, id, planned: await machine.execution(id) }
  }

  test('needs an approval that names each resource, whatever the policy says, and the rest comes back', async () => {
    const { machine, id, planned } = await losing()
    expect(planned).toMatchObject({ stage: 'awaiting_approval', approvalsNeeded: 1 })
    expect(planned.targets.map(({ losesData, confirmAs }) => [losesData, confirmAs])).toStrictEqual([
      ['The data on its temporary disk is lost.', 'name of i-1'],
      ['The data on its temporary disk is lost.', 'name of i-2'],
    ])
    const planHash = planned.planHash ?? ''
    const approve = async (...confirm: string[]) =>
      await Executions.approve(machine.as('usr_cfo'), { id, planHash, confirm })
    await expect(approve('name of i-1')).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('the exact text of each loss for ever: name of i-2') as unknown,
    })
    await machine.settle()
    expect(machine.cloud.changes).toStrictEqual([])
    await approve('name of i-1', ' i-2 ')
    await machine.settle()
    expect((await machine.execution(id)).stage).toBe('succeeded')
    await Executions.rollback(machine.as('usr_cfo'), { id })
    await machine.settle()
    expect(typesIn(machine)).toBe('large large')
  })

  test('is in the mail, and in the hash that is approved', async () => {
    const { machine, id, planned } = await losing()
    const mail = machine.store.mails.find(({ to }) => to === 'cfo@example.com')
    expect(mail?.text).toContain('type these texts exactly:\n  name of i-1\n  name of i-2\n')
    expect(mail?.text).toMatch(/- name of i-1 \(.*\)\. The data on its temporary disk is lost\.\n/)
    await machine.store.tables.executionTargets.update('org_1', `${id}/001`, (target) => ({
      ...target,
      losesData: 'Nothing is lost.',
    }))
    const planHash = planned.planHash ?? ''
    await Executions.approve(machine.as('usr_cfo'), { id, planHash, confirm: ['i-1', 'i-2'] })
    await machine.settle()
    expect((await machine.execution(id)).stage).toBe('failed')
    expect(machine.cloud.changes).toStrictEqual([])
  })
})

describe('a tag that protects', () => {
  const prod = { ...safety, protectedTags: [{ key: 'Environment', value: 'prod' }, { key: 'legal-hold' }] }

  /** An execution for two resources, the first of which has these tags before its plan, or after it. */
  async function tagged(tags: Record<string, string>, when: 'before' | 'after'): Promise<[Machine, string]> {
    const machine = await openMachine(['i-1', 'i-2'])
    const own = new Map<string, Record<string, string>>([['i-2', { Environment: 'test' }]])
    machine.store.cloud.tags = async (_, resources) => resources.map(({ id }) => ({ id, tags: own.get(id) ?? {} }))
    if (when === 'before') own.set('i-1', tags)
    const id = await machine.request({ safetyControls: prod })
    await machine.settle()
    own.set('i-1', tags)
    const { planHash } = await machine.execution(id)
    await Executions.approve(machine.as('usr_cfo'), { id, planHash: planHash ?? '' })
    await machine.settle()
    return [machine, id]
  }

  test.each([
    [{ 'cloudoptima:protected': 'true' }, 'cloudoptima:protected = true'],
    [{ 'cloudoptima:ignore': 'yes' }, 'cloudoptima:ignore = yes'],
    [{ Environment: 'prod' }, 'Environment = prod'],
    [{ 'legal-hold': '' }, 'legal-hold = '],
  ])(
    '%j keeps a resource as it is, though it is set after the plan, and the others are changed',
    async (tags, says) => {
      for (const [when, state] of [
        ['before', 'left_out'],
        ['after', 'dropped'],
      ] as const) {
        const [machine, id] = await tagged(tags, when)
        const done = await machine.execution(id)
        expect(statesOf(done)).toBe(`${state} done`)
        expect(done.targets[0]?.reason).toBe(`It is protected by its tag ${says}.`)
        expect(typesIn(machine)).toBe('large small')
      }
    },
  )

  test.each([{ 'cloudoptima:ignore': 'false' }, { 'cloudoptima:protected': 'no' }, { Environment: 'Prod' }])(
    '%j protects nothing',
    async (tags) => {
      const [machine] = await tagged(tags, 'after')
      expect(typesIn(machine)).toBe('small small')
    },
  )

  test('may be there where tags cannot be read, unless the action itself reads them', async () => {
    const machine = await openMachine(['i-1', 'i-2'])
    const id = await machine.request({ safetyControls: { ...safety, requireApproval: false } })
    machine.store.cloud.tags = async (_, resources) =>
      resources.map(({ id: own }) => ({ id: own, refusal: 'No role.' }))
    await machine.settle()
    const unread = await machine.execution(id)
    expect([unread.stage, unread.targets[0]?.reason]).toStrictEqual([
      'nothing_to_do',
      'Its tags cannot be read, and may protect it. No role.',
    ])
    const tags: CloudAction['tags'] = async ({ id: own }) => (own === 'i-1' ? { 'legal-hold': '1' } : {})
    machine.store.cloud.action = async (access) => ({ ...machine.cloud.action(access), tags })
    const again = await machine.request({ safetyControls: { ...prod, requireApproval: false } })
    await machine.settle()
    expect(statesOf(await machine.execution(again))).toBe('left_out done')
  })
})
