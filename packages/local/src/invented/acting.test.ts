import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cloud, Executions, Recommendations } from '@cloudoptima/core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { sampleOrgId } from '../organization.ts'
import { type Product, startProduct } from '../product.ts'
import { said } from '../services/testing/said.ts'
import { allowActions, connect } from './connect.ts'

/** Rules whose changes take seconds. */
const quick: Record<Cloud, readonly string[]> = {
  aws: ['aws-volume-gp2', 'aws-volume-unattached', 'aws-address-unused'],
  azure: ['azure-address-unused', 'azure-disk-unattached'],
  gcp: ['gcp-address-unused', 'gcp-disk-unattached'],
}
/** Of each cloud two accounts with resources that nobody uses. */
const chosen = new Set([
  '845107362291',
  '583920174465',
  'e58bf27d-5fcf-4b24-a316-e1f4401d439d',
  '2f55d3bc-bd85-41d7-a7df-a573f8c7a846',
  'larkfield-analytics-stage',
  'larkfield-ml-research',
])
const clouds = ['aws', 'azure', 'gcp'] as const
/** The machine may be busy. */
const patience = { timeout: 240_000, interval: 500 }

let dataDir: string
let product: Product

const command = async (...args: string[]) => await said(...args, '--data', dataDir)

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'cloudoptima-acting-'))
  product = await startProduct({ dataDir, orgId: sampleOrgId, port: 0, holdsWork: true })
  const today = new Date().toISOString().slice(0, 10)
  await product.invented.save({ today, isConnected: false, size: { rows: 16_000, months: 2 } })
  const { accounts } = await product.invented.clouds()
  const some = accounts.filter(({ accountId }) => chosen.has(accountId))
  await connect(product.ctx, some)
  await allowActions(product.ctx, some)
  product.work()
})
afterAll(async () => {
  await product.close()
  await rm(dataDir, { recursive: true, force: true })
})

async function found(cloud: Cloud): Promise<string> {
  const { recommendations } = await Recommendations.list(product.ctx, { provider: cloud, pageSize: 100 })
  const one = recommendations.find(({ rule }) => quick[cloud].includes(rule))
  if (!one) throw new Error(`There are ${recommendations.length} recommendations for ${cloud}, and none of the rules.`)
  return one.id
}

const stageOf = async (id: string) => (await Executions.get(product.ctx, { id })).stage

test('a recommendation of each cloud is applied, approved by another person, carried out and taken back', async () => {
  const ids: string[] = []
  for (const cloud of clouds) {
    const recommendation = await vi.waitFor(async () => await found(cloud), patience)
    const { code, text } = await command('apply', recommendation, '--as', 'engineer@demo.example')
    expect([code, text]).toEqual([0, expect.stringMatching(/approves it: .* --as \w+@demo\.example\n$/)])
    ids.push(/exe_\w+/.exec(text)?.[0] ?? '')
  }
  for (const id of ids)
    expect((await command('approve', id, '--yes', '--as', 'cfo@demo.example')).text).toContain('Approved.')
  for (const id of ids) {
    await vi.waitFor(async () => expect(await stageOf(id)).toBe('succeeded'), patience)
    expect((await command('roll-back', id, '--as', 'admin@demo.example')).code).toBe(0)
  }
  for (const id of ids) {
    await vi.waitFor(async () => expect(await stageOf(id)).toBe('rolled_back'), patience)
    const { text } = await command('executions', id)
    expect(text).toContain('Approved by cfo@demo.example')
    expect(text).toContain('Rolled back by admin@demo.example. Resources: 0 done, 1 taken back.')
  }
}, 600_000)
