import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { overviewText } from '../../packages/local/src/cli/overview.ts'
import { type Charge, focusBill } from '../charges.ts'
import { openWorld } from '../world.ts'

test('costs show no change from a month of which the lake has only corrections', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudoptima-overview-'))
  const world = await openWorld()
  onTestFinished(async () => {
    await world.end()
    await rm(folder, { recursive: true, force: true })
  })
  const bring = async (charges: Charge[], edit = (bill: string) => bill) => {
    const path = join(folder, 'bill.csv')
    await writeFile(path, edit(focusBill(charges)))
    expect(await world.bring([path])).toMatchObject({ status: 'committed' })
  }
  const shown = async () => {
    const asked = { granularity: 'monthly', groupBy: 'service', metric: 'effective', limit: 10 } as const
    const text = await overviewText(world.ctx, { ...asked, filters: [] })
    return /^EC2 .*$/m.exec(text)?.[0].split(/  +/)
  }
  await bring(
    [
      { day: '2024-10-31', EffectiveCost: '30' },
      { day: '2024-10-20', ChargeClass: 'Correction' },
    ],
    (bill) => bill.replace('2024-10-20', '2024-09-20').replace('2024-10-21', '2024-09-21'),
  )
  expect(await shown()).toEqual(['EC2', expect.any(String), '30.00', '-', '31.00', '100.0 %'])
  await bring([{ day: '2024-09-01', EffectiveCost: '19' }])
  expect(await shown()).toEqual(['EC2', expect.any(String), '30.00', '+50.0 %', '50.00', '100.0 %'])
})
