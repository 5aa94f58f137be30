import { type CloudAccount, planSources, type Source } from '@cloudoptima/core'
import { expect, onTestFinished, test } from 'vitest'
import { orgId } from '../../organization.ts'
import { startProduct } from '../../product.ts'
import { said } from '../../services/testing/said.ts'
import { dataFolder } from '../../services/testing/services.ts'

test('accounts lists each account with its problems, whose messages come once, or says how to connect one', async () => {
  const { dataDir, end } = await dataFolder()
  onTestFinished(end)
  const product = await startProduct({ dataDir, orgId })
  expect(await said('accounts', '--data', dataDir)).toMatchObject({ code: 0, text: expect.stringMatching(/^No cloud/) })
  const { cloudAccounts, sources } = product.ctx.tables
  for (const accountId of ['111111111111', '222222222222']) {
    const account = { id: `acc_${accountId}`, provider: 'aws', accountId, accountName: `Name ${accountId}` } as const
    const known = { ...account, status: 'active', verificationStatus: 'verified', lastSync: null, version: 1 } as const
    const info: CloudAccount.Info = { ...known, verification: null, sealed: '', createdAt: '2026-11-01T00:00:00Z' }
    await cloudAccounts.put(orgId, info)
    await planSources(product.ctx, info.id)
    const problems: Source.Problem[] = [{ state: 'no_export', part: 'aws:bills', message: 'Create an export.' }]
    await sources.update(orgId, `${info.id}/bills`, (source) => ({ ...source, problems }))
  }
  const { text } = await said('accounts', '--data', dataDir)
  expect(text).toMatch(/aws +111111111111 +Name 111111111111 +active +- +- +no_export/)
  expect(text.match(/Create an export\./g)).toHaveLength(1)
  const json = JSON.parse((await said('accounts', '--data', dataDir, '--json')).text) as { accounts: unknown[] }
  expect(json.accounts).toMatchObject([{ accountId: '111111111111' }, { accountId: '222222222222' }])
  await product.close()
})

test('an unknown command is named as such', async () => {
  expect(await said('statsu')).toEqual({ code: 1, text: expect.stringMatching(/^error: unknown command statsu\n/) })
})
