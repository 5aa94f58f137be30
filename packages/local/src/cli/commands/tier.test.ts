import { Audit, Organization } from '@cloudoptima/core'
import { expect, onTestFinished, test } from 'vitest'
import { startProduct } from '../../product.ts'
import { dataFolder } from '../../services/testing/services.ts'
import { said } from '../../services/testing/said.ts'

test('tier sets the tier of an organization, with an entry of its audit log, and names the organizations there are', async () => {
  const { dataDir, end } = await dataFolder()
  onTestFinished(end)
  const data = ['--data', dataDir]
  const unknown = await said('tier', 'org_none', 'pro', ...data)
  expect([unknown.code, unknown.text]).toEqual([1, expect.stringContaining('There are: default')])
  expect(await said('tier', 'default', 'pro', ...data)).toEqual({
    code: 0,
    text: 'The tier of default is now pro; it was enterprise.\n',
  })
  const json = await said('tier', 'default', 'free', ...data, '--json')
  expect(JSON.parse(json.text)).toEqual({ organizationId: 'default', before: 'pro', tier: 'free' })
  expect((await said('tier', 'default', 'gold', ...data)).code).toBe(1)
  const product = await startProduct({ dataDir })
  onTestFinished(async () => await product.close())
  const ctx = { ...product.ctx, orgId: 'default' }
  expect((await Organization.load(ctx)).tier).toBe('free')
  const entries = await ctx.runtime.tables.audit.all('default')
  const changes = entries.filter(({ action }) => action === 'organization.set-tier')
  expect(changes.map(({ result, actorId, after }) => [result, actorId, after])).toEqual([
    ['success', 'operator', { tier: 'pro' }],
    ['success', 'operator', { tier: 'free' }],
  ])
  expect(Audit.verify(entries).intact).toBe(true)
})
