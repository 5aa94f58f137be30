import { memoryRuntime } from '@cloudoptima/core/testing'
import fc from 'fast-check'
import { beforeEach, expect, test, vi } from 'vitest'
import { definitionOf, programs, start } from './testing/programs.ts'
import { type Kill, runMortal, stable } from './testing/mortal.ts'
import { memoryLog } from './testing/services.ts'
import { createInterpreter, type Workflow } from './workflows/workflows.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }))

const kills: fc.Arbitrary<Kill[]> = fc.array(
  fc.record({ write: fc.integer({ min: 1, max: 25 }), moment: fc.constantFrom('before', 'after') }),
  { minLength: 1, maxLength: 4 },
)

test(
  'killed at any write, a workflow comes to what it comes to without, and runs nothing again that had ended',
  { timeout: 120_000 },
  async () => {
    let lives = 0
    let invoked = 0
    await fc.assert(
      fc.asyncProperty(programs, kills, async (program, kills) => {
        const definition = definitionOf(program)
        const unkilled = await runMortal(definition, start, [])
        const killed = await runMortal(definition, start, kills)
        lives += killed.life
        invoked += unkilled.invoked
        expect(killed.repeated).toEqual([])
        expect(stable(killed.end)).toBe(stable(unkilled.end))
      }),
      { numRuns: 100 },
    )
    expect(lives).toBeGreaterThan(50)
    expect(invoked).toBeGreaterThan(500)
  },
)

const second = 1000
const day = 24 * 3600 * second

/** Interpreters one after the other on the same tables, as processes on one data folder are. */
function machine(States: Record<string, object>, steps: Workflow['steps'] = {}) {
  const { tables } = memoryRuntime()
  const workflows = { w: { definition: { StartAt: Object.keys(States)[0], States }, steps } }
  const boot = () => createInterpreter({ tables, workflows, log: memoryLog() })
  const first = boot()
  let current = first
  return {
    start: async () => await first.start('w', 'run', {}),
    /** What a restart does, before and after executions are resumed. */
    restart: async (downMs: number) => {
      await current.close()
      await vi.advanceTimersByTimeAsync(downMs)
      return (current = boot())
    },
    status: async () => (await current.describe('w', 'run'))?.status,
    describe: async () => await current.describe('w', 'run'),
  }
}

const task = (more: object, token = false) => ({
  Type: 'Task',
  Resource: `arn:aws:states:::lambda:invoke${token ? '.waitForTaskToken' : ''}`,
  Parameters: { FunctionName: '${Step}', Payload: token ? { 'token.$': '$$.Task.Token' } : {} },
  End: true,
  ...more,
})

test('a wait ends when it would have without the restart', async () => {
  const { start, restart, status } = machine({ Wait: { Type: 'Wait', Seconds: 100, End: true } })
  await start()
  await vi.advanceTimersByTimeAsync(60 * second)
  await (await restart(30 * second)).resume()
  await vi.advanceTimersByTimeAsync(9.9 * second)
  expect(await status()).toBe('running')
  await vi.advanceTimersByTimeAsync(0.2 * second)
  expect(await status()).toBe('succeeded')
})

test('a wait may be longer than the longest timer', async () => {
  const { start, status } = machine({ Wait: { Type: 'Wait', Seconds: 60 * 24 * 3600, End: true } })
  await start()
  await vi.advanceTimersByTimeAsync(60 * day - second)
  expect(await status()).toBe('running')
  await vi.advanceTimersByTimeAsync(2 * second)
  expect(await status()).toBe('succeeded')
})

test('retries keep their count and their time over a restart', async () => {
  const began = Date.now()
  const attempts: number[] = []
  const Step = async () => {
    attempts.push((Date.now() - began) / second)
    throw new Error('busy')
  }
  const Retry = [
    { ErrorEquals: ['States.ALL'], IntervalSeconds: 10, BackoffRate: 2, MaxDelaySeconds: 25, MaxAttempts: 3 },
  ]
  const { start, restart, describe } = machine({ Step: task({ Retry }) }, { Step })
  await start()
  await vi.advanceTimersByTimeAsync(15 * second)
  await (await restart(second)).resume()
  await vi.advanceTimersByTimeAsync(100 * second)
  expect(attempts).toEqual([0, 10, 30, 55])
  expect(await describe()).toEqual({
    status: 'failed',
    error: 'Error: {"errorType":"Error","errorMessage":"busy"}',
  })
})

test('a token can be answered over a restart, before the execution is resumed as well; its function is not invoked again', async () => {
  const tokens: string[] = []
  const Step = async ({ token }: { token: string }) => void tokens.push(token)
  const { start, restart, describe } = machine({ Step: task({}, true) }, { Step })
  await start()
  await vi.advanceTimersByTimeAsync(second)
  await (await restart(day)).resume()
  await vi.advanceTimersByTimeAsync(second)
  const booted = await restart(day)
  await booted.succeed(tokens[0] ?? '', { by: 'cfo' })
  await expect(booted.fail(tokens[0] ?? '', { error: 'E', cause: '' })).rejects.toMatchObject({ code: 'conflict' })
  await (await restart(day)).resume()
  await vi.advanceTimersByTimeAsync(second)
  expect(await describe()).toEqual({ status: 'succeeded', output: { by: 'cfo' } })
  expect(tokens).toHaveLength(1)
})

test('the deadline of a token passes while no process runs', async () => {
  const tokens: string[] = []
  const Step = async ({ token }: { token: string }) => void tokens.push(token)
  const { start, restart, describe } = machine({ Step: task({ TimeoutSeconds: 60 }, true) }, { Step })
  await start()
  await vi.advanceTimersByTimeAsync(second)
  const booted = await restart(60 * second)
  await expect(booted.succeed(tokens[0] ?? '', null)).rejects.toMatchObject({ code: 'conflict' })
  await booted.resume()
  await vi.advanceTimersByTimeAsync(0)
  expect(await describe()).toEqual({ status: 'failed', error: 'States.Timeout: The task did not end in time.' })
})
