import { expect, test } from 'vitest'
import { ran } from '../../packages/local/src/services/testing/said.ts'
import { answer, begin, billFolder, smallCompany, until } from './machine.ts'

const world = billFolder()
const sampleMs = 150_000

test(
  'connects simulated clouds at the first start, serves their costs, ends at Ctrl-C, and goes on at the next start',
  async () => {
    const data = await world.fresh()
    await smallCompany(data)
    const first = begin('--data', data, '--port', '0')
    const stdout = await first.untilOutput('Ctrl-C ends.', sampleMs)
    const api = /http:\/\/127\.0\.0\.1:\d+\/v1/.exec(stdout)?.[0] ?? ''
    for (const currency of ['USD', 'EUR', 'GBP']) expect(stdout).toContain(`Effective cost in ${currency}`)
    expect(stdout).toContain(`TOKEN=$(npm start --silent -- token --data ${data})`)
    expect(stdout).toContain(`curl -s -H "Authorization: Bearer $TOKEN" '${api}/costs/overview`)
    expect(await (await fetch(`${api}/health`)).json()).toMatchObject({ status: 'ok' })
    expect((await fetch(`${api}/costs/overview`)).status).toBe(401)
    const token = (await ran('token', '--data', data)).stdout.trim()
    const overview = await fetch(`${api}/costs/overview`, { headers: { Authorization: `Bearer ${token}` } })
    expect(overview.status).toBe(200)
    // Those without an export follow the tables, and then the roles for actions.
    const readyAccounts = async () => {
      const headers = { Authorization: `Bearer ${token}` }
      const listed = await fetch(`${api}/cloud-accounts?status=active&page_size=100`, { headers })
      const { accounts } = (await listed.json()) as { accounts: { can_act: boolean }[] }
      return accounts.filter((account) => account.can_act).length
    }
    await until('19 accounts with a role for actions', async () => (await readyAccounts()) === 19, {
      withinMs: sampleMs,
      seen: () => `The command printed: ${first.printed()}`,
    })
    const attached = await ran('status', '--data', data, '--json')
    const { api: served, partitions } = JSON.parse(attached.stdout) as { api: string; partitions: number }
    expect([served, partitions >= 8]).toEqual([api, true])
    // Ctrl-C on a terminal signals the simulated clouds too.
    process.kill(-(first.child.pid ?? 0), 'SIGINT')
    const ended = await first.ended()
    expect([ended.code, ended.stderr.includes('invented company')], ended.stderr).toEqual([0, true])
    const again = await ran('--once', '--data', data)
    expect([again.code, again.stderr]).toEqual([0, ''])
    expect(again.stdout).toContain(' partitions, ')
    const real = await answer('--data', data, '--import', world.bill)
    expect([real.code, real.stderr.includes("The sample's invented costs")]).toEqual([0, true])
    const { answer: apart } = await answer('--data', await world.fresh(), '--import', world.bill)
    expect(real.answer.totals).toEqual(apart.totals)
    expect((await answer('--data', data)).answer.totals).toEqual(apart.totals)
    const status = await ran('status', '--data', data, '--json')
    expect(JSON.parse(status.stdout)).toMatchObject({ partitions: 4, rows: world.sample.rows, totals: apart.totals })
  },
  // Its waits say what does not come.
  4 * sampleMs,
)
