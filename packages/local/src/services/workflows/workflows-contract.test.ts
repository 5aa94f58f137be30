import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import type { ExecutionState, Workflows } from '@cloudoptima/core'
import { createRuntime, noLake } from '@cloudoptima/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeSteps } from '../testing/contract/steps.ts'
import { definitions } from '../testing/contract/workflows.ts'
import { dataFolder } from '../testing/services.ts'

/**
 * The contract of both interpreters: the embedded one, and Step Functions where the rehearsal names its state machines.
 */
const { CONTRACT_STATE_MACHINES, CONTRACT_TOKENS = '' } = process.env

let workflows: Workflows
let tokenOf: (key: string) => Promise<string | undefined>
let end = () => Promise.resolve()

beforeAll(async () => {
  if (CONTRACT_STATE_MACHINES === undefined) {
    const folder = await dataFolder()
    const tokens = new Map<string, string>()
    const steps = makeSteps(async (key, token) => void tokens.set(key, token))
    const both = Object.entries(definitions).map(([name, definition]) => [name, { definition, steps }] as const)
    workflows = (await folder.boot(Object.fromEntries(both))).runtime.workflows
    tokenOf = async (key) => tokens.get(key)
    end = folder.end
    return
  }
  const machines = JSON.parse(CONTRACT_STATE_MACHINES) as Record<string, string>
  const stateMachineArn = (workflow: string) => machines[workflow] ?? ''
  workflows = createRuntime({ tableName: '', bucketName: '', stateMachineArn, lake: noLake }).workflows
  const client = new DynamoDBClient()
  tokenOf = async (key) => {
    const { Item } = await client.send(new GetItemCommand({ TableName: CONTRACT_TOKENS, Key: { id: { S: key } } }))
    return Item?.['token']?.S
  }
})
afterAll(async () => await end())

async function until<Value>(ask: () => Promise<Value | undefined>): Promise<Value> {
  for (let left = 300; left > 0; left--) {
    const value = await ask()
    if (value !== undefined) return value
    await sleep(100)
  }
  throw new Error('nothing came within 30 s')
}

const newName = () => `contract-${randomUUID()}`

async function ended(workflow: string, name: string): Promise<ExecutionState> {
  return await until(async () => {
    const state = await workflows.describe(workflow, name)
    return state?.status === 'running' ? undefined : state
  })
}

async function run(workflow: string, input: unknown): Promise<ExecutionState> {
  const name = newName()
  await workflows.start(workflow, name, input)
  return await ended(workflow, name)
}

describe.concurrent('a workflow', () => {
  test('maps items side by side, as many at once as it may, and gives the results in their order', async () => {
    const { status, output } = await run('map', { items: [5, 4, 3, 2, 1], factor: 10 })
    expect(status).toBe('succeeded')
    const { items, results } = output as {
      items: number[]
      results: { work: { index: number; product: number; from: number; to: number } }[]
    }
    expect(items).toEqual([5, 4, 3, 2, 1])
    expect(results.map(({ work }) => [work.index, work.product])).toEqual([
      [0, 50],
      [1, 40],
      [2, 30],
      [3, 20],
      [4, 10],
    ])
    const atOnce = results.map(
      ({ work }) => results.filter(({ work: { from, to } }) => from <= work.from && work.from < to).length,
    )
    expect(Math.max(...atOnce)).toBe(2)
  })

  test('joins the branches of a Parallel state, and catches the error of one', async () => {
    expect(await run('parallel', { count: 1, failures: 0 })).toEqual({
      status: 'succeeded',
      output: { count: 1, failures: 0, branches: [{ count: 2 }, 'right'] },
    })
    expect(await run('parallel', { count: 1, failures: 1 })).toEqual({
      status: 'succeeded',
      output: { count: 1, name: 'BadBranch' },
    })
  })

  test('goes round a loop as often as its Choice state says', async () => {
    expect(await run('loop', { count: 0, limit: 3 })).toEqual({ status: 'succeeded', output: 3 })
    expect(await run('loop', { count: 500, limit: 101 })).toEqual({
      status: 'failed',
      error: 'Absurd: The limit is above 100.',
    })
  })

  test('waits for seconds and until timestamps, and not for those that are past', async () => {
    const began = Date.now()
    const until = began + 4000
    const { status, output } = await run('wait', { seconds: 1, until: new Date(until).toISOString() })
    expect(status).toBe('succeeded')
    const { from } = output as { from: number }
    expect(from).toBeGreaterThanOrEqual(until)
    // On a busy machine a function starts slowly.
    expect(from).toBeLessThan(until + 20_000)
    const short = await run('wait', { seconds: 0, until: '2026-01-01T00:00:00+01:00' })
    expect((short.output as { from: number }).from).toBeGreaterThanOrEqual(began + 1000)
  })

  test('retries a task as often as its retrier says, then catches the error', async () => {
    expect(await run('retry', { failures: 2 })).toEqual({
      status: 'succeeded',
      output: { failures: 2, tried: { attempt: 2 } },
    })
    const { status, output } = await run('retry', { failures: 3 })
    expect(status).toBe('succeeded')
    // MiniStack gives the errors of all functions one name, so this compares no name.
    const { caught } = output as { caught: { error: { Cause: string } } }
    expect(JSON.parse(caught.error.Cause)).toMatchObject({ errorMessage: 'attempt 2' })
  })

  test('retries and catches by the name of the error', async () => {
    expect(await run('names', { failures: 2, error: 'Busy' })).toEqual({
      status: 'succeeded',
      output: { failures: 2, error: 'Busy', tried: { attempt: 2 } },
    })
    const Cause = 'There are more failures to come.'
    const [busy, never, other] = await Promise.all([
      run('names', { failures: 3, error: 'Busy' }),
      run('names', { failures: 1, error: 'Never' }),
      run('names', { failures: 1, error: 'Other' }),
    ])
    expect(busy.output).toEqual({ failures: 3, error: 'Busy', caught: { error: { Error: 'Busy', Cause } } })
    expect(never.output).toEqual({ failures: 1, error: 'Never', caught: { error: { Error: 'Never', Cause } } })
    expect(other.output).toEqual({ failures: 1, error: 'Other', end: { is: 'forgotten' } })
  })

  test('waits for the answer to each token, an output or an error, and takes none twice', async () => {
    const keys = [randomUUID(), randomUUID(), randomUUID()]
    const name = newName()
    await workflows.start('token', name, { keys })
    const [first = '', second = '', third = ''] = await Promise.all(
      keys.map(async (key) => await until(async () => await tokenOf(key))),
    )
    await workflows.succeed(second, { approved: true })
    await workflows.fail(third, { error: 'Refused', cause: 'too risky' })
    expect(await workflows.describe('token', name)).toEqual({ status: 'running' })
    await workflows.succeed(first, null)
    expect(await ended('token', name)).toEqual({
      status: 'succeeded',
      output: [{ answer: null }, { answer: { approved: true } }, { refused: 'too risky' }],
    })
    const conflict = { name: 'Fault', code: 'conflict' }
    await expect(workflows.succeed(first, null)).rejects.toMatchObject(conflict)
    await expect(workflows.fail(second, { error: 'Refused', cause: '' })).rejects.toMatchObject(conflict)
    await expect(workflows.succeed('no-token', null)).rejects.toMatchObject(conflict)
  })

  test('goes on without the answer when its time is over, and takes it no more', async () => {
    const key = randomUUID()
    expect(await run('expiry', { key })).toEqual({ status: 'succeeded', output: { late: 'States.Timeout' } })
    const token = await until(async () => await tokenOf(key))
    await expect(workflows.succeed(token, null)).rejects.toMatchObject({ name: 'Fault', code: 'conflict' })
  })

  test('is stopped with a reason; an execution that has ended, or that nobody started, stays as it is', async () => {
    const name = newName()
    await workflows.start('wait', name, { seconds: 3600, until: '2026-01-01T00:00:00Z' })
    expect(await workflows.describe('wait', name)).toEqual({ status: 'running' })
    await workflows.stop('wait', name, 'no longer wanted')
    await workflows.stop('wait', name, 'once more')
    expect(await workflows.describe('wait', name)).toEqual({ status: 'stopped', error: 'no longer wanted' })

    const other = newName()
    await workflows.start('loop', other, { count: 5, limit: 3 })
    expect(await ended('loop', other)).toEqual({ status: 'succeeded', output: 6 })
    await workflows.stop('loop', other, 'too late')
    expect(await workflows.describe('loop', other)).toEqual({ status: 'succeeded', output: 6 })
    await workflows.stop('loop', 'nobody-started-it', 'why not')
    expect(await workflows.describe('loop', 'nobody-started-it')).toBeUndefined()
  })

  test('is run once under a name, which another workflow may have too', async () => {
    const name = newName()
    await workflows.start('loop', name, { count: 5, limit: 3 })
    await workflows.start('loop', name, { count: 50, limit: 3 })
    await workflows.start('parallel', name, { count: 1, failures: 1 })
    expect(await ended('loop', name)).toEqual({ status: 'succeeded', output: 6 })
    await workflows.start('loop', name, { count: 500, limit: 3 })
    expect(await ended('loop', name)).toEqual({ status: 'succeeded', output: 6 })
    expect((await ended('parallel', name)).output).toEqual({ count: 1, name: 'BadBranch' })
  })

  test('of a bill keeps the error of a branch that fails, and does not stop the others', async () => {
    const { status, output } = await run('branches', { orgId: 'org', importId: 'imp_1' })
    expect(status).toBe('succeeded')
    expect(output).toMatchObject({
      normalize: { result: { outcome: 'committed' } },
      follow: {
        detect: { error: { Cause: expect.stringContaining('no model') } },
        recommend: { result: { outcome: 'none' } },
        track: { result: { outcome: 'none' } },
      },
    })
  })
})
