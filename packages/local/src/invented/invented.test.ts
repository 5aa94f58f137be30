import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InventedAccount } from '@cloudoptima/clouds'
import { CloudAccounts, Collect, type Context, planSources, Rules } from '@cloudoptima/core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { sampleOrgId } from '../organization.ts'
import { type Product, startProduct } from '../product.ts'
import { connect, disconnectAll } from './connect.ts'

let dataDir: string
let product: Product
let accounts: InventedAccount[]

async function start() {
  product = await startProduct({ dataDir, orgId: sampleOrgId })
}

const states = async ({ tables, orgId }: Context) =>
  (await tables.cloudAccounts.all(orgId)).map(({ provider, status }) => `${provider} ${status}`).toSorted()

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'cloudoptima-invented-'))
  await start()
  await product.invented.save({ today: '2026-11-26', isConnected: false })
  const all = (await product.invented.clouds()).accounts
  accounts = (['aws', 'azure', 'gcp'] as const).flatMap((cloud) => all.find((one) => one.cloud === cloud) ?? [])
})
afterAll(async () => {
  await product.close()
  await rm(dataDir, { recursive: true, force: true })
})

test('accounts of three clouds connect, also a second time, and after a start that was killed in between', async () => {
  await connect(product.ctx, accounts)
  const [first] = await product.ctx.tables.cloudAccounts.all(sampleOrgId)
  if (!first) throw new Error('Nothing is connected')
  await product.ctx.tables.cloudAccounts.put(sampleOrgId, { ...first, status: 'pending' })
  await connect(product.ctx, accounts)
  expect(await states(product.ctx)).toEqual(['aws active', 'azure active', 'gcp active'])
})

test('an inventory brings price lists of the invented clouds', async () => {
  const { ctx } = product
  const held: Record<string, string[]> = {}
  for (const { id, provider } of await ctx.tables.cloudAccounts.all(sampleOrgId)) {
    await planSources(ctx, id)
    const { ticket = '' } = (await ctx.tables.sources.get(sampleOrgId, `${id}/inventory`)) ?? {}
    await Collect.run(ctx, { sourceId: `${id}/inventory`, ticket })
    held[provider] = [...(await Rules.PriceList.fetchedDays(ctx, provider)).keys()]
  }
  expect(held).toEqual({
    aws: ['us-east-1'],
    azure: ['germanywestcentral', 'northeurope', 'westeurope'],
    gcp: ['europe-west1', 'us-central1', 'us-east4'],
  })
  const prices = await Rules.listPrices(ctx, { places: [{ cloud: 'aws', region: 'us-east-1' }] })
  // As the bills charge; AWS's own price is another.
  expect(prices.find(({ sku }) => sku === 'm6i.xlarge')?.price).toBe('0.2013')
})

test('the clouds end with the product, and start again with the same company, for the same credentials', async () => {
  const before = await product.invented.clouds()
  await product.close()
  await expect(product.invented.clouds()).rejects.toThrow('The product ends.')
  await start()
  const after = await product.invented.clouds()
  const ids = (known: typeof before) => known.accounts.map(({ accountId }) => accountId)
  expect(ids(after)).toEqual(ids(before))
  const [account] = await product.ctx.tables.cloudAccounts.all(sampleOrgId)
  await product.ctx.tables.cloudAccounts.put(sampleOrgId, { ...account, status: 'pending' } as never)
  await connect(product.ctx, accounts)
  expect(await states(product.ctx)).toEqual(['aws active', 'azure active', 'gcp active'])
})

test('a disconnected AWS account connects again, with the external id of a new setup and no other', async () => {
  const { ctx } = product
  const [aws] = accounts
  if (aws?.cloud !== 'aws') throw new Error('The first account is one of AWS')
  const connected = await ctx.tables.cloudAccounts.all(sampleOrgId)
  const { id = '' } = connected.find(({ accountId }) => accountId === aws.accountId) ?? {}
  await CloudAccounts.disconnect(ctx, { id })
  // The machine's own AWS is not asked.
  const { clouds } = ctx.runtime
  const offline = { ...clouds, aws: { ...clouds.aws, principal: async () => undefined } }
  const { externalId } = await CloudAccounts.setupAws({ ...ctx, runtime: { ...ctx.runtime, clouds: offline } }, {})
  const again = { roleArn: aws.roleArn, externalId }
  await expect(CloudAccounts.connectAws(ctx, { ...again, externalId: 'guessed' })).rejects.toMatchObject({
    code: 'invalid',
  })
  expect(await CloudAccounts.connectAws(ctx, again)).toMatchObject({ status: 'active' })
  expect(await states(ctx)).toEqual(['aws active', 'azure active', 'gcp active'])
})

test('a proxy of the machine gets no request to the simulated clouds', async () => {
  let asked = 0
  const proxy = createServer((request, response) => {
    asked++
    response.writeHead(502).end(request.url)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy']) vi.stubEnv(name, url)
  try {
    const connected = await product.ctx.tables.cloudAccounts.all(sampleOrgId)
    const verified = connected.map(async ({ id }) => await CloudAccounts.verify(product.ctx, { id }))
    expect((await Promise.all(verified)).map(({ status }) => status)).toEqual(['active', 'active', 'active'])
    expect(asked).toBe(0)
  } finally {
    vi.unstubAllEnvs()
    proxy.close()
  }
})

test('disconnected accounts are collected no more', async () => {
  await disconnectAll(product.ctx)
  await disconnectAll(product.ctx)
  expect(await states(product.ctx)).toEqual([])
  expect(await product.ctx.tables.sources.all(sampleOrgId)).toEqual([])
})

test('no other user can read the keys of the company', async () => {
  expect((await stat(join(dataDir, 'clouds'))).mode & 0o077).toBe(0)
})
