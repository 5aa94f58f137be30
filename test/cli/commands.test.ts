import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { ran } from '../../packages/local/src/services/testing/said.ts'
import { answer, billFolder, slow } from './machine.ts'

const world = billFolder()
let data: string
beforeAll(async () => {
  data = await world.fresh()
  await answer('--data', data, '--import', world.bill)
}, slow)

test(
  'costs: prints a table for each currency, or the answer of the API as JSON',
  async () => {
    const shown = await ran('costs', '--data', data, '--granularity', 'daily', '--metric', 'billed')
    for (const currency of ['USD', 'EUR', 'GBP']) expect(shown.stdout).toContain(`Billed cost in ${currency}`)
    expect(shown.stdout).toMatch(/Amazon Elastic Compute Cloud +[▁-█]{31} /)
    const filtered = await ran(
      'costs',
      '--data',
      data,
      '--json',
      '--metric',
      'billed',
      '--start',
      '2026-10-01',
      '--end',
      '2026-10-31',
      '--filter',
      'provider=AWS',
    )
    expect(JSON.parse(filtered.stdout)).toMatchObject({
      currency: 'USD',
      granularity: 'monthly',
      time_series: [{ date: '2026-10-01' }],
    })
    const wrong = await ran('costs', '--data', data, '--filter', 'colour=red')
    expect([wrong.code, wrong.stdout]).toEqual([1, ''])
    expect(wrong.stderr).toContain('--filter colour=red')
  },
  slow,
)

test(
  'changes: prints the tree of a change with its causes, or the answer of the API as JSON',
  async () => {
    const months = ['--data', data, '--from', '2026-09', '--to', '2026-10', '--filter', 'provider=AWS']
    const shown = await ran('changes', ...months, '--limit', '1')
    expect(shown.stdout).toContain('cost in USD: 2026-09-01 to 2026-09-30 against 2026-10-01 to 2026-10-31')
    expect(shown.stdout).toMatch(/^AWS +0\.00 .*new \+/m)
    const { stdout } = await ran('changes', ...months, '--json')
    expect(JSON.parse(stdout)).toMatchObject({ before_exact: '0', meta: { same_length: false } })
    const wrong = await ran('changes', '--data', data, '--from', '2026')
    expect([wrong.code, wrong.stdout, wrong.stderr]).toEqual([1, '', expect.stringContaining('from: must be a month')])
  },
  slow,
)

test(
  'costs: filters and groups by every dimension, such as the billing account',
  async () => {
    const [account] = world.sample.totals
    const filter = `billing_account=${account?.billingAccountId ?? ''}`
    const shown = await ran('costs', '--data', data, '--group-by', 'billing_account', '--filter', filter)
    expect(shown.code).toBe(0)
    for (const { billingAccountId } of world.sample.totals)
      expect([billingAccountId, shown.stdout.includes(billingAccountId)]).toEqual([
        billingAccountId,
        billingAccountId === account?.billingAccountId,
      ])
  },
  slow,
)

test(
  'export: writes FOCUS files that have equal totals after an import',
  async () => {
    const out = join(world.dir, 'focus')
    const exported = await ran(
      'export',
      '--data',
      data,
      '--focus',
      '1.2',
      '--out',
      out,
      '--period',
      '2026-10',
      '--json',
    )
    expect((JSON.parse(exported.stdout) as { files: unknown[] }).files).toHaveLength(4)
    const [before, after] = [await answer('--data', data), await answer('--data', await world.fresh(), '--import', out)]
    expect(after.answer.totals).toEqual(before.answer.totals)
    const nothing = await ran('export', '--data', data, '--focus', '1.2', '--out', out, '--period', '1999-01')
    expect([nothing.code, nothing.stderr.split('\n').length]).toEqual([1, 2])
  },
  slow,
)

test(
  'rebuild: rebuilds the lake with equal totals',
  async () => {
    const { code, stdout } = await ran('rebuild', '--data', data, '--json')
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { equal: true, lakeVersion: 2 }])
  },
  slow,
)

test(
  'status: prints rows, partitions and whether the product runs',
  async () => {
    const { code, stdout } = await ran('status', '--data', data)
    expect(code).toBe(0)
    expect(stdout).toContain(`${world.sample.rows.toLocaleString('en-US')} rows in 4 partitions`)
    expect(stdout).toContain('not running')
  },
  slow,
)

test(
  '--help prints examples for each command; an unknown option is refused',
  async () => {
    for (const command of ['', 'costs', 'export', 'rebuild', 'status']) {
      const { code, stdout } = await ran(...(command ? [command] : []), '--help')
      expect([command, code, stdout.includes('npm start')]).toEqual([command, 0, true])
    }
    const { code, stderr } = await ran('--improt', world.bill)
    expect([code, stderr.includes('--import')]).toEqual([1, true])
    for (const path of [world.bill, join(world.bill, 'below')])
      for (const command of [[], ['status']]) {
        const file = await ran(...command, '--data', path)
        expect([file.code, file.stdout, file.stderr.split('\n').length]).toEqual([1, '', 2])
        expect(file.stderr).toContain('cannot be the data folder')
      }
  },
  slow,
)
