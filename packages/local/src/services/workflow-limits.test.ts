import { memoryRuntime } from '@cloudoptima/core/testing'
import { expect, test } from 'vitest'
import { memoryLog } from './testing/services.ts'
import { createInterpreter, type Workflow } from './workflows.ts'

/** What Step Functions does and no emulator does, so that the contract cannot ask for it. */
function machine(States: Record<string, object>, steps: Workflow['steps'] = {}) {
  const { tables } = memoryRuntime()
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
  const { start, settled, describe } = machine(
    { Ask: ask({ Catch }), Caught },
    { Step: () => Promise.reject(new Error('no mail')) },
  )
  await start('w', 'run', {})
  await settled('w', 'run')
  expect((await describe('w', 'run'))?.output).toMatchObject({
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
  await machinery.settled('w', 'run')
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
  const { start, stop, settled, succeed, describe } = machine({ Both, Caught: ask({ End: true }) }, { Step })
  await start('w', 'run', {})
  while (tokens.length < 2) await new Promise(setImmediate)
  await expect(succeed(tokens[0] ?? '', null)).rejects.toMatchObject(conflict)
  await stop('w', 'run', 'enough')
  await settled('w', 'run')
  await expect(succeed(tokens[1] ?? '', null)).rejects.toMatchObject(conflict)
  expect(await describe('w', 'run')).toEqual({ status: 'stopped', error: 'enough' })
})

test('data above 256 KiB ends the execution, whatever it catches, and is not taken from outside', async () => {
  const large = 'x'.repeat(256 * 1024)
  const { start, settled, succeed, describe } = machine(
    { Large: invoke({}, { Catch }), Caught },
    { Step: () => Promise.resolve(large) },
  )
  await start('w', 'run', {})
  await settled('w', 'run')
  expect(await describe('w', 'run')).toMatchObject({
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
  const { start, settled, describe } = machine(
    { Lost: invoke({ 'x.$': '$.nowhere' }, { Catch }), Caught },
    { Step: () => Promise.resolve(null) },
  )
  await start('w', 'run', {})
  await settled('w', 'run')
  expect(await describe('w', 'run')).toEqual({
    status: 'failed',
    error: 'States.Runtime: The path $.nowhere leads to no value.',
  })
})

test('a table that fails is no error of a state: the execution stays to be resumed', async () => {
  const { tables } = memoryRuntime()
  const log = memoryLog()
  let isDown = true
  const put: typeof tables.executionSteps.put = async (...input) => {
    if (isDown) throw new Error('no disk')
    await tables.executionSteps.put(...input)
  }
  const workflows = {
    w: {
      definition: { StartAt: 'Step', States: { Step: invoke({}, { Catch }), Caught } },
      steps: { Step: () => Promise.resolve(1) },
    },
  }
  const interpreter = createInterpreter({
    tables: { executions: tables.executions, executionSteps: { ...tables.executionSteps, put } },
    workflows,
    log,
  })
  await interpreter.start('w', 'run', {})
  await expect(interpreter.settled('w', 'run')).rejects.toThrow('no disk')
  expect(log.lines).toMatchObject([{ level: 'error', message: 'an execution stopped' }])
  isDown = false
  expect(await interpreter.resume()).toBe(1)
  expect((await interpreter.settled('w', 'run')).status).toBe('succeeded')
})
