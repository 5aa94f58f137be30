import { setTimeout as sleep } from 'node:timers/promises'
import type { ChildProcess } from 'node:child_process'
import { afterEach, expect, test } from 'vitest'
import { kill, run } from './testing/child.ts'
import { dataFolder, item, pattern, bills } from './testing/services.ts'

const rounds = 6
const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

test('after a kill, all acknowledged writes exist and no write is partial', async () => {
  const folder = await dataFolder()
  cleanups.push(folder.end)
  const items = new Set<number>()
  const objects = new Map<number, number>()
  let same = -1
  let next = 0
  for (let round = 0; round < rounds; round++) {
    let ready = () => undefined as void
    const started = new Promise<void>((resolve) => (ready = resolve))
    const child = run('writer.ts', [folder.dataDir, String(next)], (line) => {
      const said = JSON.parse(line) as { ready?: string; item?: number; object?: number; bytes?: number; same?: number }
      if (said.ready) ready()
      if (said.item !== undefined) items.add(said.item)
      if (said.object !== undefined) objects.set(said.object, said.bytes ?? 0)
      if (said.same !== undefined) same = Math.max(same, said.same)
      next = Math.max(next, (said.item ?? said.object ?? said.same ?? 0) + 2)
    })
    await started
    await sleep(100 + Math.random() * 500)
    await kill(child)

    const services = await folder.boot()
    expect(services.attached).toBe(false)
    const { tables, blobs } = services.runtime
    for (const n of items) expect(await tables.executions.get('org', `item-${n}`)).toStrictEqual(item(`item-${n}`, n))
    for (const [n, bytes] of objects) expect(pattern(n, bytes).equals(await blobs.get('org', `object-${n}`))).toBe(true)
    for (const { key, bytes } of await blobs.list('org', 'object-'))
      expect(pattern(Number(key.slice(7)), bytes).equals(await blobs.get('org', key))).toBe(true)
    if (same >= 0) {
      const content = await blobs.get('org', 'same')
      const version = content.length - 60_000
      expect(version).toBeGreaterThanOrEqual(same)
      expect(pattern(version, content.length).equals(content)).toBe(true)
    }
    await services.close()
  }
  expect(items.size).toBeGreaterThan(rounds)
  process.stdout.write(`${rounds} kills: ${items.size} items and ${objects.size} objects acknowledged, all there\n`)
})

test('an execution resumes after a kill without repeating finished states', async () => {
  const folder = await dataFolder()
  cleanups.push(folder.end)
  const child = await startExecution(folder.dataDir, 'imp_1')
  await kill(child)

  const ran: string[] = []
  const note = (state: string) => (input: unknown) => Promise.resolve({ state, input, n: ran.push(state) })
  const states = ['Normalize', 'Detect', 'Recommend', 'Track', 'RecordFailure']
  const services = await folder.boot(bills(Object.fromEntries(states.map((state) => [state, note(state)]))))
  expect(await services.resume()).toHaveLength(1)
  expect((await services.whenEnded('bills', 'imp_1')).status).toBe('succeeded')
  expect(ran).toStrictEqual(['Track'])
  const normalize = { result: { by: child.pid } }
  expect((await services.runtime.workflows.describe('bills', 'imp_1'))?.output).toMatchObject({
    normalize,
    follow: { track: { result: { input: { importId: 'imp_1', normalize } } } },
  })
  expect(await services.resume()).toHaveLength(0)
})

test('a second process uses the services of the first, and takes over when the first is killed', async () => {
  const folder = await dataFolder()
  cleanups.push(folder.end)
  const child = await startExecution(folder.dataDir, 'imp_1')
  const second = await folder.boot()
  expect(second.attached).toBe(true)
  expect(await second.runtime.tables.executionSteps.get('machine', 'bills:imp_1#Normalize.0')).toMatchObject({
    status: 'done',
    output: { Payload: { by: child.pid } },
  })
  const waiting = second.whenEnded('bills', 'imp_1')
  await kill(child)
  await expect(waiting).rejects.toMatchObject({ name: 'Fault', code: 'unavailable' })

  const third = await folder.boot()
  expect(third.attached).toBe(false)
  expect(await third.resume()).toHaveLength(1)
  expect((await third.whenEnded('bills', 'imp_1')).status).toBe('succeeded')
})

async function startExecution(dataDir: string, name: string): Promise<ChildProcess> {
  return await new Promise((resolve) => {
    const child = run('execution.ts', [dataDir, name], () => resolve(child))
  })
}
