import { setTimeout as sleep } from 'node:timers/promises'
import { Actor, type Consumer, type Context, QueueMessage, type Runtime } from '@cloudoptima/core'
import { testContext } from '@cloudoptima/core/testing'
import { createRuntime, makeContext, noLake } from '@cloudoptima/runtime'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { queueUrl, type QueueRows } from '../embedded/queues.ts'
import { kill, run } from './testing/child.ts'
import type { Services } from './boot.ts'
import { bills, dataFolder, memoryLog } from './testing/services.ts'

const patience = { timeout: 25_000, interval: 20 }
const row = { concurrency: 4, visibilitySeconds: 1, receives: 3 }

/** Services on a folder of their own with these queues; `start` begins to consume. */
async function services(queues: QueueRows) {
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const log = memoryLog()
  const booted = await folder.boot(bills(), log, queues)
  return {
    folder,
    log,
    endpoints: booted.endpoints,
    connection: booted.connection,
    runtime: booted.runtime,
    start: startOf(booted, log),
    close: booted.close,
  }
}

const startOf =
  ({ consume, runtime }: Services, log = memoryLog()) =>
  () =>
    consume(({ actor, ...given }) => makeContext({ ...given, actor: Actor.system(actor), runtime, log }))

interface Received {
  id: string
  orgId: string
  data: unknown
}

/** A consumer that keeps what it receives. */
function recorder(then: (message: Received) => Promise<void> = () => Promise.resolve()) {
  const received: Received[] = []
  const run = async ({ requestId: id, orgId }: Context, data: unknown) => {
    const message = { id, orgId, data }
    received.push(message)
    await then(message)
  }
  return { received, consumer: { run } satisfies Consumer }
}

const failing = recorder(() => Promise.reject(new Error('away'))).consumer
const idsOf = (messages: readonly { id: string }[]) => messages.map(({ id }) => id).toSorted()
const depthOf = async (runtime: Runtime, queue: string) => (await runtime.queues.depths([queue]))[0]

describe('a consumer', () => {
  test('gets any data as it was sent, under the organization of the message', async () => {
    const { received, consumer } = recorder()
    const { runtime, start } = await services({ work: { ...row, consumer } })
    const sent = fc.sample(fc.jsonValue({ stringUnit: 'binary' }), 40)
    sent.push('\u0000 \uFFFE \uFFFF \uD800 雪')
    for (const [n, data] of sent.entries())
      await runtime.queues.send('work', data, { orgId: `org-${n}`, deduplicationId: `m${n}` })
    start()
    await vi.waitFor(() => expect(received).toHaveLength(sent.length), patience)
    const expected = sent.map((data, n): Received => ({
      id: `m${n}`,
      orgId: `org-${n}`,
      data: JSON.parse(JSON.stringify(data)),
    }))
    const order = new Map(expected.map(({ id }, n) => [id, n]))
    expect(received.toSorted((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0))).toStrictEqual(expected)
  })

  test('gets every message, and never more of them at once than its queue allows', async () => {
    let [running, most] = [0, 0]
    const { received, consumer } = recorder(async () => {
      most = Math.max(most, ++running)
      await sleep(20)
      running--
    })
    const { runtime, start } = await services({ work: { ...row, visibilitySeconds: 60, consumer } })
    for (let n = 0; n < 50; n++) await runtime.queues.send('work', n)
    start()
    await vi.waitFor(() => expect(received).toHaveLength(50), patience)
    expect(received.map(({ data }) => data).toSorted()).toStrictEqual(
      Array.from({ length: 50 }, (_, n) => n).toSorted(),
    )
    expect(most).toBe(row.concurrency)
    await vi.waitFor(
      async () => expect(await depthOf(runtime, 'work')).toMatchObject({ waiting: 0, inFlight: 0 }),
      patience,
    )
  })

  test('that takes longer than the visibility timeout keeps its message to itself', async () => {
    const { received, consumer } = recorder(async () => await sleep(7_000))
    const { runtime, start } = await services({ work: { ...row, visibilitySeconds: 3, consumer } })
    await runtime.queues.send('work', null, { deduplicationId: 'slow' })
    start()
    await sleep(5_000)
    expect(await depthOf(runtime, 'work')).toMatchObject({ waiting: 0, inFlight: 1 })
    await vi.waitFor(async () => expect(await depthOf(runtime, 'work')).toMatchObject({ inFlight: 0 }), patience)
    expect(idsOf(received)).toStrictEqual(['slow'])
  })

  test('that fails gets the message again, and others of its queue meanwhile', async () => {
    const { received, consumer } = recorder(async ({ id }) => {
      if (id === 'twice' && received.filter((message) => message.id === id).length === 1) throw new Error('away')
    })
    const { runtime, start, log } = await services({ work: { ...row, consumer } })
    for (const id of ['twice', 'once']) await runtime.queues.send('work', null, { deduplicationId: id })
    start()
    await vi.waitFor(() => expect(idsOf(received)).toStrictEqual(['once', 'twice', 'twice']), patience)
    await vi.waitFor(
      async () => expect(await depthOf(runtime, 'work')).toMatchObject({ waiting: 0, inFlight: 0 }),
      patience,
    )
    expect(log.lines).toMatchObject([
      { level: 'error', message: 'a message failed', fields: { queue: 'work', messageId: 'twice' } },
    ])
  })

  test('gets a delayed message when its time has come', async () => {
    const { received, consumer } = recorder()
    const { runtime, start } = await services({ work: { ...row, consumer } })
    await runtime.queues.send('work', null, { delaySeconds: 1 })
    start()
    await sleep(300)
    expect(await depthOf(runtime, 'work')).toMatchObject({ delayed: 1, waiting: 0, inFlight: 0 })
    expect(received).toStrictEqual([])
    await vi.waitFor(() => expect(received).toHaveLength(1), patience)
  })
})

describe('a message that fails as often as its queue allows', () => {
  test('becomes a dead letter with its last error, and a redrive delivers it again', async () => {
    let isBroken = true
    const { received, consumer } = recorder(async () => {
      if (isBroken) throw new Error(`failure ${received.length}`)
    })
    const { runtime, start } = await services({ work: { ...row, receives: 2, consumer } })
    await runtime.queues.send('work', { a: 1 }, { orgId: 'org', deduplicationId: 'm1' })
    start()
    await vi.waitFor(async () => expect(await depthOf(runtime, 'work')).toMatchObject({ dead: 1 }), patience)
    expect(received).toHaveLength(2)
    const dead = await QueueMessage.deadLetters(testContext(runtime), 'work', 10)
    expect(dead).toMatchObject([{ id: 'm1', orgId: 'org', error: 'failure 2' }])
    isBroken = false
    expect(await runtime.queues.redrive('work')).toBe(1)
    await vi.waitFor(() => expect(received).toHaveLength(3), patience)
    expect(received[2]).toStrictEqual(received[0])
    await vi.waitFor(
      async () => expect(await depthOf(runtime, 'work')).toMatchObject({ dead: 0, waiting: 0, inFlight: 0 }),
      patience,
    )
  })

  test('does so too where its body is no message of ours', async () => {
    const { received, consumer } = recorder()
    const rows = { work: { ...row, visibilitySeconds: 60, receives: 1, consumer } }
    const { endpoints, connection, start, runtime } = await services(rows)
    const sent = await fetch(endpoints.sqs, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${connection.credentials.secretAccessKey}`,
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'AmazonSQS.SendMessage',
      },
      body: JSON.stringify({ QueueUrl: queueUrl(endpoints.sqs, 'work'), MessageBody: 'not ours' }),
    })
    expect(sent.status).toBe(200)
    start()
    await vi.waitFor(async () => expect(await depthOf(runtime, 'work')).toMatchObject({ dead: 1 }), patience)
    expect(received).toStrictEqual([])
    expect(await runtime.queues.deadLetters('work', 1)).toMatchObject([{ orgId: 'identity', receives: 1 }])
  })
})

describe.each(['as one machine shows them', 'as SQS shows them'])('queues %s', (kind) => {
  const queuesOf = ({
    runtime,
    endpoints: { sqs: endpoint },
    connection,
  }: Pick<Services, 'runtime' | 'endpoints' | 'connection'>): Runtime['queues'] =>
    kind === 'as one machine shows them'
      ? runtime.queues
      : createRuntime({
          ...connection,
          endpoints: { sqs: endpoint },
          queueUrl: (name) => queueUrl(endpoint, name),
          tableName: '',
          bucketName: '',
          lake: noLake,
        }).queues

  test('count what waits, what is delayed and what is dead, and list no more dead letters than asked for', async () => {
    const rows = {
      idle: row,
      work: { ...row, receives: 1, consumer: failing },
    }
    const { start, ...given } = await services(rows)
    const queues = queuesOf(given)
    start()
    for (let n = 0; n < 35; n++) await queues.send('work', null, { deduplicationId: `m${n}` })
    await queues.send('idle', null)
    await queues.send('idle', null, { delaySeconds: 900 })
    const none = { waiting: 0, inFlight: 0, delayed: 0 }
    await vi.waitFor(
      async () =>
        expect(await queues.depths(['idle', 'work'])).toMatchObject([
          { queue: 'idle', ...none, waiting: 1, delayed: 1, dead: 0 },
          { queue: 'work', ...none, dead: 35 },
        ]),
      patience,
    )
    const all = await queues.deadLetters('work', 100)
    expect(all.map(({ id }) => id).toSorted()).toStrictEqual(Array.from({ length: 35 }, (_, n) => `m${n}`).toSorted())
    expect(all.every(({ receives }) => receives >= 1)).toBe(true)
    expect(await queues.deadLetters('work', 5)).toHaveLength(5)
    // A listing hides no letter from the next one, or from a redrive.
    expect(await queues.deadLetters('work', 100)).toHaveLength(35)
    expect(await queues.deadLetters('idle', 5)).toStrictEqual([])
  })

  test('move all dead letters back, though they die again meanwhile', async () => {
    const rows = { work: { ...row, receives: 1, consumer: failing } }
    const { start, ...given } = await services(rows)
    const { runtime } = given
    const queues = queuesOf(given)
    start()
    for (let n = 0; n < 12; n++) await queues.send('work', null, { deduplicationId: `m${n}` })
    await vi.waitFor(async () => expect(await depthOf(runtime, 'work')).toMatchObject({ dead: 12 }), patience)
    expect(await queues.redrive('work')).toBe(12)
    await vi.waitFor(
      async () => expect(await depthOf(runtime, 'work')).toMatchObject({ dead: 12, waiting: 0 }),
      patience,
    )
    await expect(queues.redrive('none')).rejects.toThrow('queue does not exist')
    await expect(queues.send('none', null)).rejects.toThrow('queue does not exist')
  })
})

test('one machine knows the age of the oldest message', async () => {
  const { runtime } = await services({ work: row })
  expect(await depthOf(runtime, 'work')).toMatchObject({ oldestSeconds: null })
  await runtime.queues.send('work', null)
  await sleep(1_100)
  expect((await depthOf(runtime, 'work'))?.oldestSeconds).toBeGreaterThanOrEqual(1)
})

test('a second process on the folder sends to the same queues', async () => {
  const { received, consumer } = recorder()
  const { folder, start } = await services({ work: { ...row, consumer } })
  start()
  const second = await folder.boot(bills(), memoryLog(), { work: row })
  expect(second.attached).toBe(true)
  await second.runtime.queues.send('work', null, { deduplicationId: 'theirs' })
  await vi.waitFor(() => expect(idsOf(received)).toStrictEqual(['theirs']), patience)
})

test('a restart keeps the messages, and takes on a row that changed', async () => {
  const { folder, runtime, close } = await services({ work: row })
  await runtime.queues.send('work', 1, { deduplicationId: 'kept' })
  await close()
  const { received, consumer } = recorder(() => Promise.reject(new Error('away')))
  const second = await folder.boot(bills(), memoryLog(), { work: { ...row, receives: 1, consumer } })
  startOf(second)()
  await vi.waitFor(async () => expect(await depthOf(second.runtime, 'work')).toMatchObject({ dead: 1 }), patience)
  expect(idsOf(received)).toStrictEqual(['kept'])
})

describe('after a kill', () => {
  /** A folder whose process received two of three messages and was killed with them. */
  async function killed(receives: number) {
    const folder = await dataFolder()
    onTestFinished(folder.end)
    const lines: string[] = []
    const child = run('consumer.ts', [folder.dataDir, String(receives)], (line) => lines.push(line))
    await vi.waitFor(() => expect(lines).toHaveLength(3), patience)
    await kill(child)
    expect(lines.toSorted()).toStrictEqual(['a', 'b', 'sent'])
    return folder
  }

  test('all messages are delivered at once, those in flight too', async () => {
    const folder = await killed(3)
    const { received, consumer } = recorder()
    const rows = { work: { ...row, visibilitySeconds: 600, consumer } }
    const booted = await folder.boot(bills(), memoryLog(), rows)
    expect(await depthOf(booted.runtime, 'work')).toMatchObject({ waiting: 3, inFlight: 0 })
    startOf(booted)()
    await vi.waitFor(() => expect(idsOf(received)).toStrictEqual(['a', 'b', 'c']), patience)
  })

  test('a delivery that the kill cut off counts, so that no message kills the process for ever', async () => {
    const folder = await killed(1)
    const { received, consumer } = recorder()
    const booted = await folder.boot(bills(), memoryLog(), { work: { ...row, receives: 1, consumer } })
    startOf(booted)()
    await vi.waitFor(
      async () => expect(await depthOf(booted.runtime, 'work')).toMatchObject({ dead: 2, waiting: 0 }),
      patience,
    )
    expect(idsOf(received)).toStrictEqual(['c'])
    expect((await booted.runtime.queues.deadLetters('work', 9)).map(({ id }) => id).toSorted()).toStrictEqual([
      'a',
      'b',
    ])
  })
})
