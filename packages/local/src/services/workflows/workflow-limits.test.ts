import { type MemoryRuntime, memoryRuntime } from '@cloudoptima/core/testing'
import { describe, expect, test } from 'vitest'
import { memoryLog } from '../testing/services.ts'
import { createInterpreter, type Workflow } from './workflows.ts'

type Tables = Pick<MemoryRuntime['tables'], 'executions' | 'executionSteps'>

/** What Step Functions does and no emulator does, so that the contract cannot ask for it. */
function machine(
  States: Record<string, object>,
  steps: Workflow['steps'] = {},
  tables: Tables = memoryRuntime().tables,
) {
  const log = memoryLog()
  const workflows = { w: { definition: { StartAt: Object.keys(States)[0], States }, steps } }
  return { ...createInterpreter({ tables, workflows, log }), log }
}

const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }]
const Caught = { Type: 'Pass', End: true }
const invoke = (Payload: object, more: object = {}) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Parameters: { FunctionName: '${Step}', Payload },
  End: true,
  ...more,
})
const ask = (more: object = {}) =>
  invoke({ 'token.$': '$$.Task.Token' }, { Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken', ...more })
const conflict = { name: 'Fault', code: 'conflict' }

test('a function that fails to pass its token on fails the task', async () => {
  const {
    start,
    whenEnded,
    describe: state,
  } = machine({ Ask: ask({ Catch }), Caught }, { Step: () => Promise.reject(new Error('no mail')) })
  await start('w', 'run', {})
  await whenEnded('w', 'run')
  expect((await state('w', 'run'))?.output).toMatchObject({
    Error: 'Error',
    Cause: expect.stringContaining('no mail'),
  })
})

test('an answer that comes before the function has ended is an answer', async () => {
  const answered = Promise.withResolvers<void>()
  const machinery = machine(
    { Ask: ask() },
    {
      Step: async ({ token }: { token: string }) => {
        await machinery.succeed(token, 'quick')
        answered.resolve()
      },
    },
  )
  await machinery.start('w', 'run', {})
  await answered.promise
  await machinery.whenEnded('w', 'run')
  expect(await machinery.describe('w', 'run')).toEqual({ status: 'succeeded', output: 'quick' })
})

test('a token of a branch that another branch has ended, or of a stopped execution, is taken no more', async () => {
  const tokens: string[] = []
  const branch = (name: string, state: object) => ({ StartAt: name, States: { [name]: state } })
  const Step = async ({ token }: { token?: string }) => {
    if (token === undefined) throw new Error('the other branch')
    tokens.push(token)
  }
  const Both = { Type: 'Parallel', Branches: [branch('Ask', ask()), branch('Fail', invoke({}))], Catch, End: true }
  const { start, stop, whenEnded, succeed, describe: state } = machine({ Both, Caught: ask({ End: true }) }, { Step })
  await start('w', 'run', {})
  while (tokens.length < 2) await new Promise(setImmediate)
  await expect(succeed(tokens[0] ?? '', null)).rejects.toMatchObject(conflict)
  await stop('w', 'run', 'enough')
  await whenEnded('w', 'run')
  await expect(succeed(tokens[1] ?? '', null)).rejects.toMatchObject(conflict)
  expect(await state('w', 'run')).toEqual({ status: 'stopped', error: 'enough' })
})

test('data above 256 KiB ends the execution, whatever it catches, and is not taken from outside', async () => {
  const large = 'x'.repeat(256 * 1024)
  const {
    start,
    whenEnded,
    succeed,
    describe: state,
  } = machine({ Large: invoke({}, { Catch }), Caught }, { Step: () => Promise.resolve(large) })
  await start('w', 'run', {})
  await whenEnded('w', 'run')
  expect(await state('w', 'run')).toMatchObject({
    status: 'failed',
    error: expect.stringMatching(/^States.DataLimitExceeded/),
  })
  const invalid = { name: 'Fault', code: 'invalid' }
  await expect(start('w', 'other', { large })).rejects.toMatchObject(invalid)
  await expect(succeed('token', large)).rejects.toMatchObject(invalid)
  await expect(start('w', 'a name', {})).rejects.toMatchObject(invalid)
  await expect(start('v', 'run', {})).rejects.toMatchObject({ name: 'Fault', code: 'not_found' })
})

test('a path that leads nowhere ends the execution, whatever it catches', async () => {
  const {
    start,
    whenEnded,
    describe: state,
  } = machine({ Lost: invoke({ 'x.$': '$.nowhere' }, { Catch }), Caught }, { Step: () => Promise.resolve(null) })
  await start('w', 'run', {})
  await whenEnded('w', 'run')
  expect(await state('w', 'run')).toEqual({
    status: 'failed',
    error: 'States.Runtime: The path $.nowhere has no value.',
  })
})

test('a table that fails is no error of a state: the execution stays to be resumed', async () => {
  const { executions, executionSteps } = memoryRuntime().tables
  let isDown = true
  const put: typeof executionSteps.put = async (...input) => {
    if (isDown) throw new Error('no disk')
    await executionSteps.put(...input)
  }
  const { start, whenEnded, resume, log } = machine(
    { Step: invoke({}, { Catch }), Caught },
    { Step: () => Promise.resolve(1) },
    { executions, executionSteps: { ...executionSteps, put } },
  )
  await start('w', 'run', {})
  await expect(whenEnded('w', 'run')).rejects.toThrow('no disk')
  expect(log.lines).toMatchObject([{ level: 'error', message: 'an execution stopped' }])
  isDown = false
  expect(await resume()).toHaveLength(1)
  expect((await whenEnded('w', 'run')).status).toBe('succeeded')
})

test('an execution that is stopped while it ends is stopped', async () => {
  const { executions, executionSteps } = memoryRuntime().tables
  const put: typeof executionSteps.put = async (...input) => {
    await executionSteps.put(...input)
    await stop('w', 'run', 'just in time')
  }
  const tables = { executions, executionSteps: { ...executionSteps, put } }
  const { start, stop, whenEnded, describe: state } = machine({ Caught }, {}, tables)
  await start('w', 'run', {})
  expect((await whenEnded('w', 'run')).status).toBe('stopped')
  expect(await state('w', 'run')).toEqual({ status: 'stopped', error: 'just in time' })
})

describe('an answer that comes while its execution is being resumed', () => {
  async function interrupted() {
    const tokens: string[] = []
    const steps = { Step: async ({ token }: { token: string }) => void tokens.push(token) }
    const { tables } = memoryRuntime()
    const { start, whenEnded, close } = machine({ Ask: ask() }, steps, tables)
    await start('w', 'run', {})
    while (tokens.length === 0) await new Promise(setImmediate)
    await Promise.all([expect(whenEnded('w', 'run')).rejects.toMatchObject({ code: 'unavailable' }), close()])
    return { ...tables, steps, token: tokens[0] ?? '' }
  }

  test('is heard, though the journal had been read before', async () => {
    const { executions, executionSteps, steps, token } = await interrupted()
    const all: typeof executionSteps.all = async (...input) => {
      const left = await executionSteps.all(...input)
      await succeed(token, 'late')
      return left
    }
    const tables = { executions, executionSteps: { ...executionSteps, all } }
    const { resume, whenEnded, succeed, describe: state } = machine({ Ask: ask() }, steps, tables)
    await resume()
    await whenEnded('w', 'run')
    expect(await state('w', 'run')).toEqual({ status: 'succeeded', output: 'late' })
  })

  test('is heard, though the task waits before the answer is remembered', async () => {
    const { executions, executionSteps, steps, token } = await interrupted()
    const waiting = Promise.withResolvers<void>()
    const replace: typeof executionSteps.replace = async (...input) => {
      await waiting.promise
      await executionSteps.replace(...input)
    }
    const tables = { executions, executionSteps: { ...executionSteps, replace } }
    const { resume, whenEnded, succeed, describe: state } = machine({ Ask: ask() }, steps, tables)
    const answered = succeed(token, 'slow')
    await new Promise(setImmediate)
    await resume()
    await new Promise(setImmediate)
    waiting.resolve()
    await answered
    await whenEnded('w', 'run')
    expect(await state('w', 'run')).toEqual({ status: 'succeeded', output: 'slow' })
  })
})
