import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Money } from '@cloudoptima/core'
import { generateSample } from '@cloudoptima/sample'
import { expect, test } from 'vitest'
import { ran } from '../../packages/local/src/services/testing/said.ts'
import { answer, begin, billFolder, slow, smallCompany, until } from './machine.ts'

/** The objects of a data folder, without their content. */
async function stored(data: string): Promise<string[]> {
  const names = await readdir(join(data, 's3'), { recursive: true })
  return names.filter((name) => name.endsWith('.data')).toSorted()
}

const world = billFolder()

test(
  'cancels an import at Ctrl-C, and leaves nothing of it',
  async () => {
    const data = await world.fresh()
    await answer('--data', data, '--import', world.bill)
    const before = await stored(data)
    const large = await generateSample({
      dir: join(world.dir, 'large'),
      today: '2026-10-01',
      months: 1,
      rows: 60_000,
      singleFile: true,
    })
    const { child, ended, untilOutput } = begin('--data', data, '--port', '0', '--import', large.files[0]?.path ?? '')
    await untilOutput('Importing')
    await until('work', async () => (await readdir(join(data, 'work'))).length > 0)
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended()
    expect([code, stdout]).toEqual([130, ''])
    expect(stderr).toContain('Canceling the import. Press Ctrl-C again to end at once.')
    expect(stderr).toContain('The import was canceled: nothing of it is visible.')
    expect([await stored(data), await readdir(data)]).toEqual([before, expect.not.arrayContaining(['work'])])
    const { stdout: status } = await ran('status', '--data', data, '--json')
    expect(JSON.parse(status)).toMatchObject({
      lakeVersion: 1,
      imports: [{ status: 'canceled' }, { status: 'committed' }],
    })
    const { answer: next } = await answer('--data', data)
    expect(next.imports).toEqual([])
  },
  slow,
)

test(
  'completes an import after a kill, with the exact sums',
  async () => {
    const data = await world.fresh()
    const { child, ended, untilOutput } = begin('--once', '--json', '--data', data, '--import', world.bill)
    await untilOutput('Importing')
    await new Promise((wake) => setTimeout(wake, 400))
    child.kill('SIGKILL')
    await ended()
    const { code, answer: result } = await answer('--data', data, '--import', world.bill)
    expect([code, ['committed', 'unchanged'].includes(result.imports[0]?.status ?? '')]).toEqual([0, true])
    expect(Money.plain(Money.sum(result.totals.map(({ billed }) => Money.parse(billed))))).toBe(
      Money.plain(Money.sum(world.sample.totals.map(({ billed }) => Money.parse(billed)))),
    )
  },
  slow,
)

test(
  'ends at Ctrl-C while it collects, and the next start goes on',
  async () => {
    const data = await world.fresh()
    await smallCompany(data)
    const first = begin('--data', data, '--port', '0')
    await first.untilOutput('Collecting the bills')
    process.kill(-(first.child.pid ?? 0), 'SIGINT')
    const { code, stdout, stderr } = await first.ended()
    expect([code, stdout, stderr.split('\n').at(-2)]).toEqual([130, '', 'Ending. Press Ctrl-C again to end at once.'])
    const second = begin('--data', data, '--port', '0')
    await second.untilOutput('Collecting the bills')
    second.child.kill('SIGKILL')
    await second.ended()
  },
  slow,
)
