import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateSample } from '@cloudoptima/sample'
import { expect, test } from 'vitest'
import { ran } from '../../packages/local/src/services/testing/said.ts'
import { answer, answered, billFolder, slow, spawned } from './machine.ts'

const world = billFolder()

test(
  'prints one line of JSON with exact totals; the same bytes again are unchanged',
  async () => {
    const data = await world.fresh()
    const first = answered(await spawned('--once', '--json', '--data', data, '--import', world.bill))
    expect(first.code).toBe(0)
    expect(first.answer.imports).toEqual([
      {
        file: world.bill,
        format: 'focus-1.2',
        rows: world.sample.rows,
        status: 'committed',
        periods: ['2026-10'],
        reason: null,
      },
    ])
    const byAccount = (a: { billingAccountId: string }, b: { billingAccountId: string }) =>
      a.billingAccountId < b.billingAccountId ? -1 : 1
    const counted = first.answer.totals.map((total) => ({ ...total, rows: expect.any(Number) as number }))
    expect(world.sample.totals.toSorted(byAccount)).toEqual(counted.toSorted(byAccount))
    for (const total of first.answer.totals)
      for (const amount of [total.billed, total.effective, total.list, total.contracted])
        expect(amount).toMatch(/^-?\d+(\.\d*[1-9])?$/)
    expect(first.answer.api).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/)
    const second = await answer('--data', data, '--import', world.bill)
    expect(second.code).toBe(0)
    expect(second.answer.imports).toEqual([{ ...first.answer.imports[0], status: 'unchanged' }])
    expect(second.answer.totals).toEqual(first.answer.totals)
  },
  slow,
)

test(
  'prints the changes of a restated bill, and refuses a loss of most rows without --replace',
  async () => {
    const data = await world.fresh()
    await answer('--data', data, '--import', world.bill)
    const restated = await ran('--once', '--data', data, '--import', await world.shortened('restated.csv', 0.95))
    expect(restated.code).toBe(0)
    expect(restated.stdout).toMatch(/Replaced[\s\S]*1 → 2/)
    const before = (await answer('--data', data)).answer
    expect(before.imports).toEqual([])
    const cut = await world.shortened('cut.csv', 0.2)
    const refused = await answer('--data', data, '--import', cut)
    expect(refused.code).toBe(2)
    expect(refused.answer.imports[0]).toMatchObject({
      file: cut,
      status: 'refused',
      reason: expect.stringContaining('--replace') as string,
    })
    expect(refused.answer.totals).toEqual(before.totals)
    const replaced = await answer('--data', data, '--replace', '--import', cut)
    expect([replaced.code, replaced.answer.imports[0]?.status]).toEqual([0, 'committed'])
    expect(replaced.answer.totals).not.toEqual(before.totals)
  },
  slow,
)

test(
  'refuses paths without bills with a reason for each, imports the rest and exits with 2',
  async () => {
    const folder = join(world.dir, 'notes')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'LICENSE'), 'free')
    await writeFile(join(folder, '.hidden.csv'), 'a,b\n1,2\n')
    const stranger = await world.written('stranger.csv', 'a,b\n1,2\n')
    const { code, answer: result } = await answer(
      '--data',
      await world.fresh(),
      '--import',
      join(world.dir, 'missing.csv'),
      folder,
      join(world.dir, '*.nothing'),
      stranger,
      world.bill,
    )
    expect(code).toBe(2)
    const reason = (path: string) => result.imports.find(({ file }) => file === path)?.reason
    expect(reason(join(world.dir, 'missing.csv'))).toContain('does not exist')
    expect(reason(folder)).toMatch(/holds no bills \(ignored: .*LICENSE/)
    expect(reason(join(world.dir, '*.nothing'))).toContain('matches')
    expect(reason(stranger)).toContain('stranger.csv')
    expect(result.imports.find(({ file }) => file === world.bill)?.status).toBe('committed')
    expect(result.imports.filter(({ status }) => status === 'refused')).toHaveLength(4)
  },
  slow,
)

test(
  'refuses a folder of more files than a delivery may have, and imports the rest',
  async () => {
    const folder = join(world.dir, 'many')
    await mkdir(folder, { recursive: true })
    await Promise.all(Array.from({ length: 1001 }, (_, i) => writeFile(join(folder, `${i}.csv`), 'a\n')))
    const { code, answer: result } = await answer('--data', await world.fresh(), '--import', folder, world.bill)
    expect(code).toBe(2)
    expect(result.imports.map(({ file, status, reason }) => [file, status, reason])).toEqual([
      [folder, 'refused', expect.stringContaining('at most 1,000 files: import a folder for each month')],
      [world.bill, 'committed', null],
    ])
  },
  slow,
)

test(
  'imports a folder as one delivery, and each match of a pattern as its own delivery',
  async () => {
    const folder = join(world.dir, 'delivery')
    const { files } = await generateSample({ dir: folder, today: '2026-11-01', months: 1, rows: 3000 })
    await writeFile(join(folder, 'README.md'), 'ours')
    const one = await ran('--once', '--data', await world.fresh(), '--import', folder)
    expect(one.stderr.match(/^Importing /gm)).toHaveLength(1)
    const each = await ran('--once', '--data', await world.fresh(), '--import', join(folder, '**/*'))
    expect(each.stderr.match(/^Importing /gm)).toHaveLength(files.length)
    expect(each.stdout.split('In the lake')[1]).toBe(one.stdout.split('In the lake')[1])
  },
  slow,
)

test(
  'recognizes bills by their content, and lists the files that it leaves out',
  async () => {
    const folder = join(world.dir, 'shards')
    await mkdir(join(folder, 'sub'), { recursive: true })
    const [head = '', ...rows] = (await readFile(world.bill, 'utf8')).trimEnd().split('\n')
    const third = Math.ceil(rows.length / 3)
    for (const [i, name] of ['a.csv', join('sub', 'b.txt'), '000000000000'].entries())
      await writeFile(join(folder, name), `${[head, ...rows.slice(i * third, (i + 1) * third)].join('\n')}\n`)
    for (const name of ['LICENSE', 'manifest.json', '_SUCCESS']) await writeFile(join(folder, name), 'no bill')
    const { code, stderr, answer: result } = await answer('--data', await world.fresh(), '--import', folder)
    expect([code, result.imports.length]).toEqual([0, 3])
    expect(result.imports.reduce((sum, { rows: of }) => sum + (of ?? 0), 0)).toBe(world.sample.rows)
    for (const name of ['LICENSE', 'manifest.json', '_SUCCESS']) expect(stderr).toMatch(new RegExp(`Left out.*${name}`))
  },
  slow,
)

test(
  'warns if a file replaced bills of another file of the same command',
  async () => {
    const part = await world.shortened('part.csv', 0.95)
    const { code, stderr } = await answer('--data', await world.fresh(), '--import', world.bill, part)
    expect(code).toBe(0)
    expect(stderr).toContain(`${part} replaced bills of ${world.bill}`)
    expect(stderr).toMatch(/account .*2026-10.*one folder/)
  },
  slow,
)

test(
  'never sends a terminal the escapes of a file name or of a bill',
  async () => {
    const escape = '\x1b]0;taken\x07\u202E'
    const text = (await readFile(world.bill, 'utf8')).replaceAll('Amazon Elastic Compute Cloud', escape)
    const hostile = await world.written(`${escape}.csv`, text)
    const data = await world.fresh()
    const imported = await ran('--once', '--data', data, '--import', hostile)
    const costs = await ran('costs', '--data', data)
    const wrong = await ran(`--${escape}`)
    for (const { stdout, stderr } of [imported, costs, wrong])
      expect(`${stdout}${stderr}`).not.toMatch(/(?!\n)\p{Cc}|\p{Bidi_Control}/u)
    expect([imported.code, imported.stderr, costs.stdout, wrong.stderr]).toEqual([
      0,
      ...Array.from({ length: 3 }, () => expect.stringContaining(String.raw`\u001b]0;taken\u0007\u202e`) as string),
    ])
  },
  slow,
)
