import { Actor, wiring } from '@cloudoptima/core'
import { makeContext } from '@cloudoptima/runtime'
import { expect, onTestFinished, test, vi } from 'vitest'
import { queuesOf } from '../../services/bus.ts'
import { dataFolder, bills, memoryLog } from '../../services/testing/services.ts'
import { said } from '../../services/testing/said.ts'

/** A data folder whose queue `ml` holds one dead letter, and one message that waits in `remediation`. */
async function withDeadLetter() {
  const folder = await dataFolder()
  onTestFinished(folder.end)
  let isBroken = true
  const consumed: unknown[] = []
  const consume = async (_: unknown, data: unknown) => {
    if (isBroken) throw new Error('No model\nwas found.')
    consumed.push(data)
  }
  const ml = { concurrency: 2, visibilitySeconds: 1, receives: 1, consumer: { run: consume } }
  const services = await folder.boot(bills(), memoryLog(), { ...wiring.queues, ml }, wiring.subscriptions)
  const { runtime } = services
  await runtime.queues.send('remediation', null)
  await runtime.queues.send('ml', { account: 'a' }, { orgId: 'org', deduplicationId: 'msg_1' })
  services.consume(
    ({ actor, ...given }) => makeContext({ ...given, actor: Actor.system(actor), runtime, log: memoryLog() }),
    (queue) => queue !== 'remediation',
  )
  await vi.waitFor(async () => expect(await runtime.queues.depths(['ml'])).toMatchObject([{ dead: 1 }]), 10_000)
  return { dataDir: folder.dataDir, consumed, repair: () => (isBroken = false) }
}

test('queues lists depths and dead letters, and redrive delivers them again', async () => {
  const { dataDir, consumed, repair } = await withDeadLetter()
  const listed = (await said('queues', '--data', dataDir)).text
  expect(listed).toMatch(/remediation +1 +0 +0 +\d+ s +0/)
  expect(listed).toMatch(/ml +msg_1 +1 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +No model was found\./)
  const { text } = await said('queues', '--data', dataDir, '--json')
  const json = JSON.parse(text) as { queues: { queue: string }[]; deadLetters: unknown[] }
  expect(json.queues.map(({ queue }) => queue)).toStrictEqual(Object.keys(queuesOf(wiring)))
  expect(json.deadLetters).toMatchObject([{ queue: 'ml', id: 'msg_1', orgId: 'org', receives: 1 }])
  repair()
  expect(JSON.parse((await said('queues', 'redrive', 'ml', '--data', dataDir, '--json')).text)).toStrictEqual({
    queue: 'ml',
    moved: 1,
  })
  await vi.waitFor(() => expect(consumed).toStrictEqual([{ account: 'a' }]), 10_000)
})

test('redrive says which queues there are, and that a queue has no dead letters', async () => {
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const unknown = await said('queues', 'redrive', 'none', '--data', folder.dataDir)
  expect(unknown.code).toBe(1)
  for (const queue of Object.keys(queuesOf(wiring))) expect(unknown.text).toContain(queue)
  expect(await said('queues', 'redrive', 'ml', '--data', folder.dataDir)).toStrictEqual({
    code: 0,
    text: 'ml has no dead letters.\n',
  })
})
