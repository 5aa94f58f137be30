import { expect, test } from 'vitest'
import * as CloudAccountList from '../accounts/cloud-account-list.ts'
import type { Context } from '../effects/context.ts'
import { tableOf } from '../effects/tables.ts'
import { world } from '../testing/identity.ts'
import { eachTable, wrapped } from '../testing/processes.ts'
import { over } from '../testing/runtime.ts'
import * as ApiKey from './credentials/api-key.ts'
import * as Sessions from './credentials/sessions.ts'
import * as Members from './people/members.ts'
import * as Invitations from './people/invitations.ts'

const many = 1000

/** An admin whose organization has many items of each noun, and the number of items that each read returns. */
async function large() {
  const at = world()
  const { ctx } = await at.found()
  await ApiKey.create(ctx, { name: 'key', permissions: ['read:costs'] })
  await Invitations.create(ctx, { email: 'bob@example.com', role: 'viewer' })
  const account = {
    provider: 'aws',
    accountId: '1',
    accountName: 'one',
    status: 'active',
    verificationStatus: 'verified',
  } as const
  const rest = { verification: null, lastSync: null, createdAt: '2026-11-23T08:00:00.000Z', sealed: '', version: 1 }
  await at.runtime.tables.cloudAccounts.put(ctx.orgId, { id: 'acc_0', ...account, ...rest })
  for (const noun of ['users', 'apiKeys', 'invitations', 'sessions', 'cloudAccounts']) {
    const table = tableOf(at.runtime.tables, noun)
    const [item] = (await table.list(ctx.orgId)).items
    for (let n = 1; n < many; n++)
      await table.put(ctx.orgId, { ...item, id: `${item?.id}${String(n).padStart(4, '0')}` })
  }
  const reads: number[] = []
  const tables = eachTable(at.runtime.tables, (table) =>
    wrapped(table, async (_, call) => {
      const result = await call()
      reads.push(
        Array.isArray(result) ? result.length : ((result as { items?: unknown[] } | undefined)?.items?.length ?? 0),
      )
      return result
    }),
  )
  return { ctx: over(ctx, { ...at.runtime, tables }), reads }
}

test('every list of a large organization reads one page at a time, and no table as a whole', async () => {
  const { ctx, reads } = await large()
  const lists: Record<string, (ctx: Context, page: object) => Promise<{ pagination: { total: number } }>> = {
    users: Members.list,
    apiKeys: ApiKey.list,
    invitations: Invitations.list,
    sessions: Sessions.list,
    accounts: CloudAccountList.list,
  }
  for (const [name, list] of Object.entries(lists)) {
    const ids = async (page: object) => {
      const answer = await list(ctx, page)
      expect([name, answer.pagination.total]).toEqual([name, many])
      return (answer as unknown as Record<string, { id: string }[]>)[name]?.map(({ id }) => id) ?? []
    }
    const [first, second, last] = [await ids({}), await ids({ page: 2 }), await ids({ page: 10, pageSize: 100 })]
    expect([name, first.length, second.length, last.length]).toEqual([name, 20, 20, 100])
    expect([name, new Set([...first, ...second, ...last]).size]).toEqual([name, 140])
    expect([name, await ids({ page: 11, pageSize: 100 })]).toEqual([name, []])
  }
  expect(Math.max(...reads)).toBeLessThanOrEqual(100)
})
