import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Actor, Snapshot } from '@cloudoptima/core'
import { makeContext } from '@cloudoptima/runtime'
import { expect, onTestFinished, test } from 'vitest'
import { dataFolder, memoryLog } from './testing/services.ts'
import { rememberedRows } from './remembered-rows.ts'

function rows() {
  const memory = rememberedRows()
  const at = { row: 1, reads: 0 }
  const get = memory.over(async () => {
    at.reads++
    const { row } = at
    await new Promise((done) => setImmediate(done))
    return row
  })
  return { memory, at, get: async () => await get('org', 'head') }
}

test('a row is read once until a write', async () => {
  const { memory, at, get } = rows()
  expect([await get(), await get()]).toEqual([1, 1])
  expect(at.reads).toBe(1)
  const end = memory.write()
  at.row = 2
  end()
  expect([await get(), await get()]).toEqual([2, 2])
  expect(at.reads).toBe(2)
})

test.each([
  ['begins before the write and ends during it', { before: true, endsFirst: true }],
  ['begins during the write and ends after it', { before: false, endsFirst: false }],
  ['encloses the write', { before: true, endsFirst: false }],
])('a read that %s is not remembered', async (_, { before, endsFirst }) => {
  const { memory, at, get } = rows()
  const early = before ? get() : undefined
  const end = memory.write()
  const read = early ?? get()
  if (endsFirst) await read
  at.row = 2
  end()
  expect([await read, await get()]).toEqual([1, 2])
})

test('rows of two organizations, or of no row, do not mix', async () => {
  const get = rememberedRows().over(async (orgId: string, id: string) =>
    id === 'none' ? undefined : await Promise.resolve(`${orgId} ${id}`),
  )
  for (let n = 0; n < 2; n++)
    expect([await get('a', 'b","c'), await get('a","b', 'c'), await get('a', 'none')]).toEqual([
      'a b","c',
      'a","b c',
      undefined,
    ])
})

test('the head of a lake is remembered until any process commits', async () => {
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const { runtime } = await folder.boot()
  const ctx = makeContext({ orgId: 'org', actor: Actor.system('test'), runtime, log: memoryLog() })
  const child = spawn(process.execPath, [join(import.meta.dirname, 'testing', 'committer.ts'), folder.dataDir, 'org'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill())
  const versions = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  for (const version of [1, 3, 5]) {
    child.stdin.write('commit\n')
    expect((await versions.next()).value).toBe(String(version))
    const head = await Snapshot.head(ctx)
    expect(head.version).toBe(version)
    expect((await Snapshot.head(ctx)).moves).toBe(head.moves)
    await Snapshot.advanceHead(ctx, () => Promise.resolve({}))
    expect((await Snapshot.head(ctx)).version).toBe(version + 1)
  }
})
