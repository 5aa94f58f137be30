import { Readable } from 'node:stream'
import { type Context, Identity, Organization } from '@cloudoptima/core'
import { adviceIn, executionIn } from '@cloudoptima/core/testing'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { orgId, sampleOrgId } from '../../organization.ts'
import { startProduct } from '../../product.ts'
import { said } from '../../services/testing/said.ts'
import { dataFolder } from '../../services/testing/services.ts'

const id = 'exe_01jf3m8x5cq2w7n4t6v9b0d1e2'
const planHash = 'a'.repeat(64)
const slow = 60_000
afterEach(() => void vi.restoreAllMocks())

/** A folder that another process serves. */
async function served(given: { port?: number } = {}) {
  const { dataDir, end } = await dataFolder()
  onTestFinished(end)
  const product = await startProduct({ dataDir, orgId, ...given })
  onTestFinished(product.close)
  const command = async (...args: string[]) => await said(...args, '--data', dataDir)
  return { ctx: product.ctx, command }
}

async function userId(ctx: Context, email: string): Promise<string> {
  const entry = await Identity.Email.find(ctx, Identity.Email.hashOf(email))
  return entry?.userId ?? ''
}

/** An execution that deletes a disk, planned, which somebody requested. */
async function plannedIn(
  { tables }: Context,
  of: string,
  requestedBy: string,
  target: Parameters<typeof executionIn>[2] = {},
) {
  await executionIn({ tables, orgId: of }, { id, planHash, requestedBy }, target)
}

const answering = (...lines: string[]) =>
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(Readable.from([lines.join('\n')]) as typeof process.stdin)

const stageIn = async ({ tables }: Context, of: string) => (await tables.policyExecutions.get(of, id))?.status

test('executions lists them, and shows the plan of one', { timeout: slow }, async () => {
  const { ctx, command } = await served()
  expect((await command('executions')).text).toContain('Executions: none')
  await plannedIn(ctx, orgId, await userId(ctx, 'admin@local.example'))
  const { text } = await command('executions')
  expect(text).toMatch(/awaiting approval +Back the disk up and delete it +rec_one +1 +0 +admin@local\.example +exe_/)
  expect((await command('executions', '--stage', 'failed')).text).toContain('Executions: none')
  const one = (await command('executions', id)).text
  for (const part of [
    '2026-11-23 08:00:00 by admin@local.example',
    'Approvals   0 of 1',
    'Expires     2026-11-30 08:00:00',
    'gone afterwards',
    'without the id of the volume',
    '59.50 USD',
    'old-data: The snapshot costs about 25 USD a month.',
    '2026-11-23 08:00:00 Requested for rec_one',
    planHash,
  ])
    expect(one).toContain(part)
  expect(JSON.parse((await command('executions', id, '--json')).text)).toMatchObject({ id, plan_hash: planHash })
  expect(await command('executions', 'exe_none')).toEqual({ code: 1, text: 'There is no execution exe_none.\n' })
})

describe('approve', () => {
  test('asks, and decides nothing unless the answer is yes', { timeout: slow }, async () => {
    const { ctx, command } = await served()
    await plannedIn(ctx, sampleOrgId, await userId(ctx, 'engineer@demo.example'))
    for (const answer of ['n', '', 'yess']) {
      answering(answer)
      const { code, text } = await command('approve', id, '--as', 'cfo@demo.example')
      expect([code, text]).toEqual([1, expect.stringMatching(/Approve this plan\? \[y\/N\]\nNothing was decided\.\n$/)])
      expect(await stageIn(ctx, sampleOrgId)).toBe('awaiting_approval')
    }
    answering('y')
    const { code, text } = await command('approve', id, '--as', 'cfo@demo.example')
    expect([code, text]).toEqual([0, expect.stringContaining('Approved. The execution is waiting.')])
    expect(await ctx.tables.policyExecutions.get(sampleOrgId, id)).toMatchObject({
      status: 'waiting',
      approvals: [{ by: await userId(ctx, 'cfo@demo.example'), planHash }],
    })
    const entries = await ctx.tables.audit.all(sampleOrgId)
    expect(entries.find(({ action }) => action === 'executions.approve')).toMatchObject({
      actorKind: 'user',
      userAgent: 'command line',
      result: 'success',
    })
  })

  test('asks for the names of resources that are lost for ever, or takes them', { timeout: slow }, async () => {
    const { ctx, command } = await served()
    const requester = await userId(ctx, 'engineer@demo.example')
    const approve = async (...args: string[]) => await command('approve', id, '--as', 'cfo@demo.example', ...args)
    await plannedIn(ctx, sampleOrgId, requester, { undo: 'none' })
    answering('another', 'y')
    expect((await approve()).text).toContain('Type exactly old-data:\nanother is another text.\nNothing was decided.')
    expect(await approve('--yes')).toEqual({
      code: 1,
      text: expect.stringContaining('must have the exact text of each loss for ever: old-data'),
    })
    expect((await approve('--json')).text).toContain('add --yes')
    expect(await stageIn(ctx, sampleOrgId)).toBe('awaiting_approval')
    answering('old-data', 'y')
    expect((await approve()).code).toBe(0)
    expect(await stageIn(ctx, sampleOrgId)).toBe('waiting')
    await plannedIn(ctx, sampleOrgId, requester, { undo: 'none' })
    const { code, text } = await approve('--yes', '--confirm', 'vol-1', '--json')
    expect([code, JSON.parse(text)]).toMatchObject([0, { stage: 'waiting' }])
    await plannedIn(ctx, sampleOrgId, requester, { losesData: 'Its data is lost.' })
    answering('old-data', 'y')
    const losing = await approve()
    expect(losing.text).toContain('old-data: Its data is lost. To approve it, type old-data\n')
    expect(losing.text).toContain('loses data; without the id of the volume')
    expect(losing.code).toBe(0)
  })

  test('rejects', { timeout: slow }, async () => {
    const { ctx, command } = await served()
    await plannedIn(ctx, sampleOrgId, await userId(ctx, 'engineer@demo.example'))
    const { text } = await command('approve', id, '--as', 'cfo@demo.example', '--reject', 'We need it.')
    expect(text).toMatch(/Rejected by cfo@demo\.example: We need it\.\n$/)
    expect(await stageIn(ctx, sampleOrgId)).toBe('rejected')
  })

  test('refuses the requester, and says who may', { timeout: slow }, async () => {
    const { ctx, command } = await served()
    await plannedIn(ctx, sampleOrgId, await userId(ctx, 'admin@demo.example'))
    expect(await command('approve', id, '--yes', '--as', 'admin@demo.example')).toEqual({
      code: 1,
      text: expect.stringMatching(/Nobody approves their own request.* Here these may: --as cfo@demo\.example\.\n$/),
    })
    const viewer = await command('approve', id, '--yes', '--as', 'viewer@demo.example')
    expect([viewer.code, viewer.text]).toEqual([1, expect.stringContaining('requires the permission')])
    const nobody = await command('approve', id, '--yes', '--as', 'nobody@demo.example')
    expect(nobody.text).toContain('Name one with --as: admin@local.example.')
    expect(await stageIn(ctx, sampleOrgId)).toBe('awaiting_approval')
  })

  test(
    'the one user of an organization approves their own request only where it allows it',
    { timeout: slow },
    async () => {
      const { ctx, command } = await served()
      await plannedIn(ctx, orgId, await userId(ctx, 'admin@local.example'))
      expect((await command('approve', id, '--yes')).text).toContain('approval_rules.allow_self_approval')
      await Organization.edit(ctx, () => ({ approvalRules: { approvals: 1, allowSelfApproval: true } }))
      expect((await command('approve', id, '--yes')).code).toBe(0)
      expect(await stageIn(ctx, orgId)).toBe('waiting')
    },
  )
})

test('stop halts, resume allows again, and roll-back takes back', { timeout: slow }, async () => {
  const { ctx, command } = await served()
  await plannedIn(ctx, orgId, await userId(ctx, 'admin@local.example'))
  expect((await command('stop', 'An incident.')).text).toContain(`1 execution was halted.\n${id}\n`)
  expect(await stageIn(ctx, orgId)).toBe('stopped')
  expect((await Organization.load(ctx)).stopped).toMatchObject({ reason: 'An incident.' })
  await ctx.tables.executionTargets.update(orgId, `${id}/001`, (target) => ({ ...target, state: 'halted' }))
  expect(await command('roll-back', id)).toEqual({ code: 1, text: expect.stringContaining('An admin can resume them') })
  const json = JSON.parse((await command('resume', '--json')).text) as unknown
  expect(json).toEqual({ stopped: false, executions: [] })
  expect((await command('roll-back', id, '--reason', 'Too slow.')).text).toContain('The rollback is requested.')
  expect(await ctx.tables.policyExecutions.get(orgId, id)).toMatchObject({
    status: 'rolling_back',
    rollback: { reason: 'Too slow.' },
  })
})

test('apply requests an execution as a user, and shows its plan', { timeout: slow }, async () => {
  const { ctx, command } = await served({ port: 0 })
  // The first analysis of a new server would end what it does not find itself.
  const isAnalyzed = async () => expect((await ctx.tables.analyses.get(orgId, 'resources'))?.endedAt).toBeTruthy()
  await vi.waitFor(isAnalyzed, { timeout: 30_000, interval: 100 })
  await adviceIn(ctx, { id: 'rec_one', resourceId: 'vol-1', saving: '80', accountId: '123456789012' })
  expect((await command('apply', 'rec_one', '--at', 'tomorrow')).text).toContain('Write a time as')
  // The account is not connected, so that the plan leaves the resource out.
  const { code, text } = await command('apply', 'rec_one', '--dry-run')
  expect([code, text]).toEqual([0, expect.stringContaining('left out: The account 123456789012 is not connected.')])
  const at = '2099-01-01T00:00:00Z'
  // An analysis may have ended it meanwhile, because no inventory has its resource.
  await adviceIn(ctx, { id: 'rec_one', resourceId: 'vol-1', saving: '80', accountId: '123456789012' })
  const applied = JSON.parse((await command('apply', 'rec_one', '--at', at, '--json')).text) as { execution_id: string }
  expect(await ctx.tables.policyExecutions.get(orgId, applied.execution_id)).toMatchObject({
    requestedBy: await userId(ctx, 'admin@local.example'),
    dryRun: false,
    scheduledFor: at,
  })
})

test('without a server, apply says that the next start goes on with it', { timeout: slow }, async () => {
  const { dataDir, end } = await dataFolder()
  onTestFinished(end)
  const product = await startProduct({ dataDir, orgId })
  await adviceIn(product.ctx, { id: 'rec_one', resourceId: 'vol-1', saving: '80' })
  await product.close()
  const { code, text } = await said('apply', 'rec_one', '--data', dataDir)
  expect([code, text]).toEqual([0, expect.stringContaining('No server runs on this data folder: npm start goes on')])
  expect((await said('executions', '--data', dataDir)).text).toMatch(/ planning +Back the disk up and delete it/)
})

test('recommendations say which are scheduled, and by which execution', { timeout: slow }, async () => {
  const { ctx, command } = await served()
  const row = await adviceIn(ctx, { id: 'rec_one', resourceId: 'vol-1', saving: '80' })
  expect((await command('recommendations')).text).not.toContain('scheduled')
  await ctx.tables.recommendations.put(orgId, { ...row, status: 'scheduled', executionId: id })
  expect((await command('recommendations')).text).toContain(
    '1 scheduled: npm start -- recommendations --status scheduled',
  )
  expect((await command('recommendations', '--status', 'scheduled')).text).toMatch(/ exe_01jf3m8x\w+ +rec_one\n/)
})
