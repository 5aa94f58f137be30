import * as Invitations from './invitations.ts'
import * as MailedToken from '../sign-in/mailed-token.ts'
import * as Members from './members.ts'
import { setImmediate } from 'node:timers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Audit from '../../guard/audit.ts'
import type { Context } from '../../effects/context.ts'
import * as Organization from '../../organization/organization.ts'
import type { Runtime } from '../../effects/runtime.ts'
import { eachTable, killedAt, processes } from '../../testing/processes.ts'
import * as Email from './email.ts'
import * as Login from '../sign-in/login.ts'
import { register } from '../sign-in/register.ts'
import * as Session from '../credentials/session.ts'
import { replacing, over } from '../../testing/runtime.ts'
import { type Person, password, refusal, world } from '../../testing/identity.ts'
import * as User from './user.ts'

const email = 'owner@example.com'
const newPassword = 'another battery staple'

type World = ReturnType<typeof world>

/** Ada's organization, which invites the address; what accepts it, always as one request. */
async function inviting(at: World) {
  const ada = await at.found()
  const { id } = await Invitations.create(ada.ctx, { email, role: 'viewer' })
  await at.deliver()
  const token = at.mailedTo(email)
  const accept = async (runtime?: Runtime) => {
    let count = 0
    return await Invitations.accept(
      { ...at.anyone(undefined, runtime), newId: (prefix) => `${prefix}_same${count++}` },
      { token, password: newPassword },
    )
  }
  const status = async () =>
    (await Invitations.list(ada.ctx, {})).invitations.find((invitation) => invitation.id === id)?.status
  return { ...at, ada, accept, status }
}

/** A deactivated user of another organization with the address. */
async function left() {
  const at = world()
  const eve = await at.found('eve@example.com', 'Former')
  const bob = await at.join(eve, 'cfo', email)
  await Members.deactivate(eve.ctx, { id: bob.userId })
  return { ...(await inviting(at)), eve, bob }
}

/** A registered user with an unverified address. */
async function squatted() {
  const at = world()
  const made = await register(at.anyone(), { email, password, companyName: 'Squat', role: 'cfo' })
  const squatter: Person = { ...made, email, orgId: made.organizationId, ctx: await at.as(made.accessToken) }
  return { ...(await inviting(at)), squatter }
}

/** Runs one action at a given access of another. */
const later = async (turns: number): Promise<void> => {
  for (let turn = 0; turn < turns; turn++) await new Promise((wake) => setImmediate(wake))
}
const logOf = async ({ ctx }: Person) => await ctx.runtime.tables.audit.all(ctx.orgId)
const holderOf = async (ctx: Context) => await Email.find(ctx, Email.hashOf(email))

describe('an address whose user was deactivated', () => {
  test('is free for an invitation of another organization; the former one keeps its record', async () => {
    const { accept, as, anyone, ada, eve, bob } = await left()
    const made = await accept()
    expect(await as(made.accessToken)).toMatchObject({ orgId: ada.orgId, actor: { role: 'viewer' } })
    expect((await as((await Login.login(anyone(), { email, password: newPassword })).accessToken)).orgId).toBe(
      ada.orgId,
    )
    expect(await Members.get(eve.ctx, { id: bob.userId })).toMatchObject({ email, isActive: false, role: 'cfo' })
    const entry = (await logOf(eve)).at(-1)
    expect(entry).toMatchObject({
      action: 'users.deactivate',
      actorKind: 'system',
      resourceId: bob.userId,
      before: { isActive: false },
    })
    expect(JSON.stringify(entry)).not.toMatch(new RegExp(`${made.userId}|${ada.orgId}|192\\.0\\.2`))
  })

  test('prevents reactivation while another account has it', async () => {
    const { accept, eve, bob } = await left()
    await accept()
    expect(await refusal(Members.reactivate(eve.ctx, { id: bob.userId }))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('another account'),
    })
    expect(await Members.get(eve.ctx, { id: bob.userId })).toMatchObject({ isActive: false })
  })

  test('is not free for a registration, which does not verify it', async () => {
    const { anyone, eve, bob } = await left()
    const attempt = register(anyone(), { email, password, companyName: 'Third', role: 'cfo' })
    expect(await refusal(attempt)).toMatchObject({ code: 'conflict' })
    await expect(Members.reactivate(eve.ctx, { id: bob.userId })).resolves.toMatchObject({ isActive: true })
  })

  test('cannot be invited by the same organization, which must reactivate the user; older invitations are refused', async () => {
    const { found, anyone, deliver, mailedTo, join } = world()
    const eve = await found('eve@example.com')
    await Invitations.create(eve.ctx, { email, role: 'viewer' })
    await deliver()
    const older = mailedTo(email)
    const bob = await join(eve, 'viewer', email)
    await Members.deactivate(eve.ctx, { id: bob.userId })
    const said = await refusal(Invitations.create(eve.ctx, { email, role: 'admin' }))
    expect(said).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`POST /v1/users/${bob.userId}/reactivate`),
    })
    const accepted = await refusal(Invitations.accept(anyone(), { token: older, password }))
    expect(accepted).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('Ask an admin to reactivate it'),
    })
    expect((await Members.list(eve.ctx, {})).users).toHaveLength(2)
  })

  test('belongs to exactly one active user after concurrent reactivation and acceptance', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.nat(80), async (seed, turns) => {
        const { accept, eve, bob, ada, runtime, status } = await left()
        const [one, two] = processes(2, runtime, seed)
        const accepted = refusal(accept(one))
        await later(turns)
        const reactivated = refusal(Members.reactivate(over(eve.ctx, two ?? runtime), { id: bob.userId }))
        const outcomes = [await accepted, await reactivated]
        expect(outcomes.filter((fault) => fault === undefined).length).toBeLessThanOrEqual(1)
        const isElsewhere = outcomes[0] === undefined
        expect(await status()).toBe(isElsewhere ? 'accepted' : 'open')
        expect((await holderOf(ada.ctx))?.orgId).toBe(isElsewhere ? ada.orgId : eve.orgId)
        expect((await User.load(eve.ctx, bob.userId)).isActive).toBe(outcomes[1] === undefined)
      }),
      { numRuns: 150 },
    )
  })
})

describe('an address of an unverified account', () => {
  test('moves to its owner by an invitation if the account is unused; that account is deactivated', async () => {
    const { accept, as, anyone, ada, squatter } = await squatted()
    const made = await accept()
    expect(await as(made.accessToken)).toMatchObject({ orgId: ada.orgId, actor: { id: made.userId } })
    expect(await refusal(as(squatter.accessToken))).toMatchObject({ code: 'unauthenticated' })
    expect(await refusal(Session.refresh(anyone(), { refreshToken: squatter.refreshToken }))).toMatchObject({
      code: 'unauthenticated',
    })
    expect(await refusal(Login.login(anyone(), { email, password }))).toMatchObject({ code: 'unauthenticated' })
    expect(await User.load(squatter.ctx, squatter.userId)).toMatchObject({ isActive: false })
    expect(await Organization.load(squatter.ctx)).toMatchObject({ adminIds: [] })
    const entry = (await logOf(squatter)).at(-1)
    expect(entry).toMatchObject({
      action: 'users.deactivate',
      actorKind: 'system',
      before: { isActive: true },
      after: { isActive: false },
    })
    expect(JSON.stringify(entry)).not.toMatch(new RegExp(`${made.userId}|${ada.orgId}|192\\.0\\.2`))
  })

  const belongings: [string, (squatter: Person) => Promise<void>][] = [
    [
      'a bill',
      async ({ ctx }) =>
        await ctx.runtime.tables.heads.put(ctx.orgId, {
          id: 'head',
          version: 1,
          at: ctx.now().toISOString(),
          moves: [],
          excluded: [],
        }),
    ],
    [
      'a bill on its way',
      async ({ ctx }) =>
        await ctx.runtime.tables.imports.put(ctx.orgId, {
          id: 'imp_1',
          status: 'uploading',
          createdAt: '',
          replace: false,
          files: [],
        }),
    ],
    [
      'a cloud account',
      async ({ ctx }) =>
        await ctx.runtime.tables.cloudAccounts.put(ctx.orgId, { id: 'acc_1' } as Parameters<
          typeof ctx.runtime.tables.cloudAccounts.put
        >[1]),
    ],
    [
      'others',
      async ({ ctx }) =>
        await ctx.runtime.tables.users.put(
          ctx.orgId,
          User.created(ctx, { id: 'usr_0', email: 'x@example.com', role: 'viewer' }),
        ),
    ],
  ]

  test.each(belongings)(
    'stays where it is with %s: who accepts is told to reset the password, which makes the account theirs',
    async (_, bring) => {
      const { accept, as, anyone, squatter, status, deliver, mailedTo } = await squatted()
      await bring(squatter)
      expect(await refusal(accept())).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('Reset its password'),
      })
      expect(await status()).toBe('open')
      expect(await as(squatter.accessToken)).toMatchObject({ actor: { id: squatter.userId, role: 'admin' } })
      await Login.forgotPassword(anyone(), { email })
      await deliver()
      await Login.resetPassword(anyone(), { token: mailedTo(email), newPassword })
      expect((await as((await Login.login(anyone(), { email, password: newPassword })).accessToken)).orgId).toBe(
        squatter.orgId,
      )
      expect(await refusal(as(squatter.accessToken))).toMatchObject({ code: 'unauthenticated' })
    },
  )

  test('stays if the account is used concurrently', async () => {
    const { accept, runtime, squatter, as } = await squatted()
    const users = {
      ...runtime.tables.users,
      replace: async (...given: Parameters<typeof runtime.tables.users.replace>) => {
        await runtime.tables.users.replace(...given)
        await runtime.tables.imports.put(squatter.orgId, {
          id: 'imp_1',
          status: 'uploading',
          createdAt: '',
          replace: false,
          files: [],
        })
      },
    }
    expect(await refusal(accept({ ...runtime, tables: replacing(runtime.tables, { users }) }))).toMatchObject({
      code: 'conflict',
    })
    expect(await as(squatter.accessToken)).toMatchObject({ actor: { id: squatter.userId, role: 'admin' } })
    expect(await Organization.load(squatter.ctx)).toMatchObject({ adminIds: [squatter.userId] })
  })

  test('stays once it is verified', async () => {
    const { accept, as, anyone, squatter, status } = await squatted()
    await Login.verifyEmail(anyone(), { token: await MailedToken.mint(squatter.ctx, 'verify-email', squatter.userId) })
    expect(await refusal(accept())).toMatchObject({ code: 'conflict', message: expect.stringContaining('Sign in') })
    expect(await status()).toBe('open')
    await expect(as(squatter.accessToken)).resolves.toMatchObject({ orgId: squatter.orgId })
  })

  test('belongs to exactly one user after concurrent verification and acceptance', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.nat(80), async (seed, turns) => {
        const { accept, anyone, ada, squatter, runtime } = await squatted()
        const [one, two] = processes(2, runtime, seed)
        const token = await MailedToken.mint(squatter.ctx, 'verify-email', squatter.userId)
        const accepted = refusal(accept(one))
        await later(turns)
        const confirmed = refusal(Login.verifyEmail(anyone(undefined, two), { token }))
        const outcomes = [await accepted, await confirmed]
        const isElsewhere = outcomes[0] === undefined
        expect((await holderOf(ada.ctx))?.orgId).toBe(isElsewhere ? ada.orgId : squatter.orgId)
        // An overwrite would have lost the verification.
        expect(await User.load(squatter.ctx, squatter.userId)).toMatchObject({
          isActive: !isElsewhere,
          emailVerified: outcomes[1] === undefined,
        })
        expect((await Organization.load(squatter.ctx)).adminIds).toEqual(isElsewhere ? [] : [squatter.userId])
      }),
      { numRuns: 150 },
    )
  })

  test('moves to its owner by a retry after any interruption', async () => {
    for (let writes = 0; ; writes++) {
      const at = await squatted()
      const count = { left: writes }
      const tables = eachTable(at.runtime.tables, (table) => killedAt(table, count))
      const isDone = (await refusal(at.accept({ ...at.runtime, tables }))) === undefined
      at.pass(31)
      const made = await at.accept()
      expect(await at.as(made.accessToken)).toMatchObject({ orgId: at.ada.orgId, actor: { id: made.userId } })
      expect(await User.load(at.squatter.ctx, at.squatter.userId)).toMatchObject({ isActive: false })
      at.pass(360)
      await Audit.closeTraces(at.squatter.ctx)
      const told = (await at.runtime.tables.audit.all(at.squatter.orgId)).filter(
        ({ action }) => action === 'users.deactivate',
      )
      const detail = expect.stringContaining('never verified') as unknown
      expect(told).toContainEqual(
        expect.objectContaining({
          resourceId: at.squatter.userId,
          before: { isActive: true },
          after: { isActive: false },
          detail,
        }),
      )
      if (isDone) break
    }
  })
})
