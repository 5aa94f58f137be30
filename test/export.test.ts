import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Export, type FocusVersion, Snapshot } from '@cloudoptima/core'
import { generateSample } from '@cloudoptima/sample'
import { openWorld, type World } from './world.ts'

let folder: string
let world: World
let count = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-export-'))
  world = await openWorld()
})
afterAll(async () => {
  await world.end()
  await rm(folder, { recursive: true, force: true })
})

const header =
  'BilledCost,EffectiveCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory'

async function bill(name: string, rows: { account: string; month: string; provider?: string }[]): Promise<string> {
  const lines = rows.map(({ account, month, provider = 'AWS' }) => {
    const [start, end] = [`${month}-01T00:00:00Z`, `${month}-28T00:00:00Z`]
    return `1.25,1,${account},USD,${start},${end},${start},${end},Usage,${provider}`
  })
  const path = join(folder, name)
  await writeFile(path, [`${header},ProviderName`, ...lines, ''].join('\n'))
  return path
}

/** A new folder for an export. */
async function target(): Promise<string> {
  return await mkdtemp(join(folder, `out-${count++}-`))
}

async function totals(of: World) {
  const { snapshots } = await Snapshot.view(of.ctx)
  const found = snapshots.map(({ provider, billingAccountId, period, rows, totals }) => ({
    provider,
    billingAccountId,
    period,
    rows,
    totals,
  }))
  return found.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))
}

describe('an export', () => {
  it('of an empty lake writes no file', async () => {
    const dir = await target()
    expect(await Export.toFocus(world.ctx, { version: '1.2', dir })).toEqual([])
    expect(await readdir(dir)).toEqual([])
  })

  it('has one file for each partition, with a unique name of version, provider, account and period', async () => {
    const accounts = ['a/b', 'a-b', 'A-b', '../../etc', 'x'.repeat(200)]
    const months = ['2024-09', '2024-10']
    await world.bring([
      await bill(
        'accounts.csv',
        [...accounts, 'c'].flatMap((account) => months.map((month) => ({ account, month }))),
      ),
    ])
    const dir = await target()
    const exported = await Export.toFocus(world.ctx, { version: '1.2', dir })
    expect(exported.map(({ billingAccountId, period, rows }) => [billingAccountId, period, rows]).toSorted()).toEqual(
      [...accounts, 'c'].flatMap((account) => months.map((month) => [account, month, 1])).toSorted(),
    )
    const names = exported.map(({ path }) => basename(path))
    expect(names).toContain('focus-1.2_AWS_c_2024-09.csv')
    expect((await readdir(dir)).toSorted()).toEqual(names.toSorted())
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(accounts.length * 2 + 2)
  })

  it('of one period has the partitions of that billing period only', async () => {
    const dir = await target()
    const exported = await Export.toFocus(world.ctx, { version: '1.0', dir, period: '2024-10' })
    expect(exported).toHaveLength(6)
    expect(new Set(exported.map(({ period }) => period))).toEqual(new Set(['2024-10']))
    expect(await Export.toFocus(world.ctx, { version: '1.0', dir, period: '2023-10' })).toEqual([])
  })

  it('has the current snapshots of its own organization only', async () => {
    await world.bring([
      await bill('again.csv', [
        { account: 'c', month: '2024-09' },
        { account: 'c', month: '2024-09' },
      ]),
    ])
    const exported = await Export.toFocus(world.ctx, { version: '1.2', dir: await target(), period: '2024-09' })
    expect(exported.find(({ billingAccountId }) => billingAccountId === 'c')?.rows).toBe(2)
    const stranger = { ...world.ctx, orgId: 'org_stranger' }
    expect(await Export.toFocus(stranger, { version: '1.2', dir: await target() })).toEqual([])
  })

  it.each<FocusVersion>(['1.0', '1.2', '1.4'])(
    'as FOCUS %s has equal totals after its import into a new lake',
    { timeout: 120_000 },
    async (version) => {
      const [source, fresh] = [await openWorld(), await openWorld()]
      try {
        const { files } = await generateSample({
          dir: join(folder, `sample-${version}`),
          today: '2026-03-10',
          months: 2,
          rows: 2000,
        })
        await source.bring(files.map(({ path }) => path))
        const exported = await Export.toFocus(source.ctx, { version, dir: await target() })
        await fresh.bring(exported.map(({ path }) => path))
        expect(await totals(fresh)).toEqual(await totals(source))
        expect(exported).toHaveLength(files.length)
      } finally {
        await source.end()
        await fresh.end()
      }
    },
  )
})
