import { hash } from 'node:crypto'
import { Approvals, Executions } from '@cloudoptima/core'
import { executionIn } from '@cloudoptima/core/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import { appWithLake } from '../fixture.ts'

const hostile = `"><img src=x onerror="alert(1)"><!--`
const daySeconds = 86_400

let made: Awaited<ReturnType<typeof appWithLake>>
let [id, planHash] = ['', '']
/** The link's token of the CFO. */
let token: string
beforeEach(async () => {
  made = await appWithLake()
  await planned()
  token = await Approvals.mint(made.members.ctx, id, made.members.users.cfo.id)
})

async function planned(target: Parameters<typeof executionIn>[2] = {}): Promise<void> {
  const { ctx, users } = made.members
  ;({ id, planHash } = await executionIn(ctx, { requestedBy: users.engineer.id }, target))
}

const look = async (of = token) => await made.anonymous.request(`/v1/approve?token=${encodeURIComponent(of)}`)

/** Sends the form of the page. */
async function decide(fields: Record<string, string>): Promise<{ status: number; text: string }> {
  const body = new URLSearchParams({ token, plan_hash: planHash, confirm: '', reason: '', ...fields })
  const response = await made.anonymous.request('/v1/approve', { method: 'POST', body })
  return { status: response.status, text: await response.text() }
}

const execution = async () => await Executions.get(made.members.ctx, { id })

describe('GET /v1/approve', () => {
  test('shows the plan, its cost and its requester, and decides nothing', async () => {
    const response = await look()
    const text = await response.text()
    expect(response.status).toBe(200)
    for (const part of ['old-data', 'vol-1', '59.50 USD', 'engineer@', 'Lost: the id of the volume', planHash])
      expect(text).toContain(part)
    expect((await look()).status).toBe(200)
    expect(await execution()).toMatchObject({ stage: 'awaiting_approval', approvals: [] })
  })

  test('refuses a link that is wrong, of another kind, too old, or of somebody who may not approve any more', async () => {
    const last = token.slice(-1) === 'A' ? 'B' : 'A'
    for (const wrong of ['', 'coa_x', `${token.slice(0, -1)}${last}`, token.replace('coa_', 'com_')]) {
      const response = await look(wrong)
      expect([response.status, await response.text()]).toEqual([
        422,
        expect.stringContaining('invalid, expired or used'),
      ])
    }
    const { runtime, members, clock } = made
    await runtime.tables.users.update(members.orgId, members.users.cfo.id, (user) => ({ ...user, role: 'viewer' }))
    expect((await look()).status).toBe(422)
    await runtime.tables.users.update(members.orgId, members.users.cfo.id, (user) => ({ ...user, role: 'cfo' }))
    expect((await look()).status).toBe(200)
    clock.now += 9 * daySeconds * 1000
    expect((await look()).status).toBe(422)
    expect((await decide({ decision: 'approve' })).status).toBe(422)
  })

  test('escapes the names of resources, and allows its own style and nothing else', async () => {
    const target = { id: hostile, kind: 'volume', region: hostile, name: hostile } as const
    const after = { [hostile]: hostile }
    await planned({ target, after, lost: [hostile], notes: [hostile] })
    const response = await look()
    const text = await response.text()
    expect(text).not.toContain('<img')
    expect(text).not.toContain('<!--')
    expect(text.match(/&lt;img/g)?.length).toBeGreaterThan(5)
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(text) ?? []
    expect(response.headers.get('Content-Security-Policy')).toBe(
      `default-src 'none'; style-src 'sha256-${hash('sha256', style, 'base64')}'; base-uri 'none'; ` +
        "form-action 'self'; frame-ancestors 'none'",
    )
    expect(text).not.toMatch(/ style=|<script/)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-type': 'text/html; charset=UTF-8',
    })
  })
})

describe('POST /v1/approve', () => {
  test('approves once: the link is used up, and shows nothing any more', async () => {
    expect(await decide({ decision: 'approve' })).toMatchObject({
      status: 200,
      text: expect.stringContaining('This execution is approved'),
    })
    const { cfo } = made.members.users
    const approvals = [{ by: cfo.id, at: expect.any(String), via: 'mail', planHash }]
    expect(await execution()).toMatchObject({ stage: 'waiting', approvals })
    expect((await decide({ decision: 'reject' })).status).toBe(422)
    expect((await look()).status).toBe(422)
    expect(await execution()).toMatchObject({ stage: 'waiting', approvals })
    const entries = await made.runtime.tables.audit.all(made.members.orgId)
    expect(entries.filter(({ action }) => action === 'executions.approve')).toMatchObject([
      { actorId: cfo.id, result: 'success', resourceId: id },
    ])
  })

  test('rejects with a reason', async () => {
    expect(await decide({ decision: 'reject', reason: 'We need it.' })).toMatchObject({
      status: 200,
      text: expect.stringContaining('is rejected'),
    })
    expect(await execution()).toMatchObject({ stage: 'rejected', rejection: { reason: 'We need it.' } })
  })

  test('asks for the names of resources that are lost for ever, and keeps the link until they are right', async () => {
    await planned({ undo: 'none' })
    const page = await (await look()).text()
    for (const part of ['1 resource cannot be brought back', 'Cannot be undone', '<li><code>old-data</code></li>'])
      expect(page).toContain(part)
    for (const confirm of ['', 'another']) {
      const { status, text } = await decide({ decision: 'approve', confirm })
      expect(status).toBe(422)
      expect(text).toContain('must have the exact text of each loss for ever: old-data')
      expect(text).toContain('<form')
    }
    expect((await execution()).stage).toBe('awaiting_approval')
    expect((await decide({ decision: 'approve', confirm: ' old-data \r\n' })).status).toBe(200)
    expect((await execution()).stage).toBe('waiting')
  })

  test('asks for the id of a resource that loses data, and has no name', async () => {
    const target = { id: 'i-1', kind: 'instance', region: 'eu-west-1' } as const
    await planned({ target, losesData: 'The data on its instance store volumes is lost.' })
    const page = await (await look()).text()
    expect(page).toContain('Loses data: The data on its instance store volumes is lost.')
    expect(page).toContain('<li><code>i-1</code></li>')
    expect((await decide({ decision: 'approve' })).text).toContain('each loss for ever: i-1')
    expect((await decide({ decision: 'approve', confirm: 'i-1' })).status).toBe(200)
  })

  test('refuses the requester, another plan, a form that is not its own, and one that is too large', async () => {
    const { members } = made
    expect((await decide({ decision: 'approve', plan_hash: 'b'.repeat(64) })).text).toContain(
      'not the hash of the plan',
    )
    token = await Approvals.mint(members.ctx, id, members.users.cfo.id)
    expect((await decide({ decision: 'both' })).status).toBe(422)
    expect((await decide({ decision: 'approve', reason: 'x'.repeat(70_000) })).status).toBe(413)
    await made.runtime.tables.policyExecutions.update(members.orgId, id, (info) => ({
      ...info,
      requestedBy: members.users.cfo.id,
    }))
    expect(await decide({ decision: 'approve' })).toMatchObject({
      status: 422,
      text: expect.stringContaining('Nobody approves their own request'),
    })
    expect(await execution()).toMatchObject({ stage: 'awaiting_approval', approvals: [] })
    const wrong = await made.anonymous.request('/v1/approve', { method: 'DELETE' })
    expect([wrong.status, wrong.headers.get('Allow')]).toEqual([405, 'GET, POST'])
  })
})
