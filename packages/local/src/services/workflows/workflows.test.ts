import { expect, onTestFinished, test, vi } from 'vitest'
import type { StepFunction } from '../../asl/run.ts'
import { dataFolder, memoryLog, bills } from '../testing/services.ts'

const committed: StepFunction = () => Promise.resolve({ outcome: 'committed' })

const states = ['Normalize', 'Detect', 'Recommend', 'Track', 'RecordFailure']
const follow = ['Detect', 'Recommend', 'Track']

async function machine(steps: Record<string, StepFunction>) {
  const ran: { state: string; input: unknown }[] = []
  const noted = Object.fromEntries(
    states.map((state): [string, StepFunction] => [
      state,
      async (input) => {
        ran.push({ state, input })
        return await (steps[state] ?? committed)(input)
      },
    ]),
  )
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const log = memoryLog()
  const services = await folder.boot(bills(noted), log)
  const describe = async () => await services.runtime.workflows.describe('bills', 'imp_1')
  return { ...services, describe, ran, log, states: () => ran.map(({ state }) => state), folder, noted }
}

test('an import goes from normalize to its three branches, each getting what Step Functions would give it', async () => {
  const { runtime, whenEnded, describe, ran } = await machine({
    Normalize: () => Promise.resolve({ outcome: 'committed', at: new Date(0), nothing: undefined }),
  })
  await runtime.workflows.start('bills', 'imp_1', { orgId: 'org', importId: 'imp_1' })
  expect((await whenEnded('bills', 'imp_1')).status).toBe('succeeded')
  const input = { orgId: 'org', importId: 'imp_1' }
  const result = { outcome: 'committed', at: '1970-01-01T00:00:00.000Z' }
  const followed = Object.fromEntries(
    follow.map((state) => [state.toLowerCase(), { result: { outcome: 'committed' } }]),
  )
  expect(ran).toStrictEqual([
    { state: 'Normalize', input },
    ...follow.map((state) => ({ state, input: { ...input, normalize: { result } } })),
  ])
  expect((await describe())?.output).toStrictEqual({
    ...input,
    normalize: { result },
    follow: followed,
  })
})

test('a branch that fails does not stop the others, and its error is in the output', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0)
  const { runtime, whenEnded, describe, states } = await machine({
    Detect: () => Promise.reject(Object.assign(new Error('no model'), { name: 'ModelError' })),
  })
  await runtime.workflows.start('bills', 'imp_1', {})
  expect((await whenEnded('bills', 'imp_1')).status).toBe('succeeded')
  expect(states().toSorted()).toStrictEqual([
    ...Array.from({ length: 4 }, () => 'Detect'),
    'Normalize',
    'Recommend',
    'Track',
  ])
  const Cause = JSON.stringify({ errorType: 'ModelError', errorMessage: 'no model' })
  expect((await describe())?.output).toMatchObject({
    normalize: { result: { outcome: 'committed' } },
    follow: {
      detect: { error: { Error: 'ModelError', Cause } },
      recommend: { result: { outcome: 'committed' } },
      track: { result: { outcome: 'committed' } },
    },
  })
})

test('nothing follows where nothing is new', async () => {
  const { runtime, whenEnded, states } = await machine({ Normalize: () => Promise.resolve({ outcome: 'unchanged' }) })
  await runtime.workflows.start('bills', 'imp_1', {})
  expect((await whenEnded('bills', 'imp_1')).status).toBe('succeeded')
  expect(states()).toStrictEqual(['Normalize'])
})

test('a name is run once, however often and however late it is started', async () => {
  const { runtime, whenEnded, states } = await machine({})
  await Promise.all(Array.from({ length: 10 }, async (_, n) => await runtime.workflows.start('bills', 'imp_1', { n })))
  await whenEnded('bills', 'imp_1')
  await runtime.workflows.start('bills', 'imp_1', {})
  await whenEnded('bills', 'imp_1')
  expect(states()).toStrictEqual(['Normalize', ...follow])
})

test('a transient fault is tried again', async () => {
  let faults = 1
  const { runtime, whenEnded, states } = await machine({
    Track: () => (faults-- > 0 ? Promise.reject(new Error('busy')) : Promise.resolve(null)),
  })
  await runtime.workflows.start('bills', 'imp_1', {})
  expect((await whenEnded('bills', 'imp_1')).status).toBe('succeeded')
  expect(states()).toStrictEqual(['Normalize', ...follow, 'Track'])
})

test('a lasting fault is recorded, and the execution fails', async () => {
  // Zero is a valid random wait.
  vi.spyOn(Math, 'random').mockReturnValue(0)
  const { runtime, whenEnded, ran, states } = await machine({
    Normalize: () => Promise.reject(Object.assign(new Error('no disk'), { name: 'DiskError' })),
  })
  await runtime.workflows.start('bills', 'imp_1', { importId: 'imp_1' })
  const { status, error } = await whenEnded('bills', 'imp_1')
  expect(status).toBe('failed')
  expect(error).toContain('The import could not be carried out')
  expect(states()).toStrictEqual([...Array.from({ length: 5 }, () => 'Normalize'), 'RecordFailure'])
  const Cause = JSON.stringify({ errorType: 'DiskError', errorMessage: 'no disk' })
  expect(ran.at(-1)?.input).toStrictEqual({ importId: 'imp_1', error: { Error: 'DiskError', Cause } })
})

test('closing leaves a running execution to the next start, and fails nothing meanwhile', async () => {
  let entered = () => undefined as void
  const inNormalize = new Promise<void>((resolve) => (entered = resolve))
  let release = () => undefined as void
  const { runtime, close, folder, noted, states, whenEnded, log } = await machine({
    Normalize: async () => {
      entered()
      await new Promise<void>((resolve) => (release = resolve))
      return { outcome: 'committed' }
    },
  })
  await runtime.workflows.start('bills', 'imp_1', {})
  await inNormalize
  const waiting = whenEnded('bills', 'imp_1')
  await Promise.all([expect(waiting).rejects.toMatchObject({ code: 'unavailable' }), close()])
  release()
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(states()).toStrictEqual(['Normalize'])
  expect(log.lines).toStrictEqual([])

  const again = await folder.boot(bills({ ...noted, Normalize: committed }))
  expect(await again.resume()).toHaveLength(1)
  expect((await again.whenEnded('bills', 'imp_1')).status).toBe('succeeded')
})

test('an execution whose journal failed goes on within a minute', async () => {
  let failures = 1
  const folder = await dataFolder()
  onTestFinished(folder.end)
  const log = memoryLog()
  const { runtime, resume, whenEnded } = await folder.boot(bills(), log, {}, {}, ({ tables, ...runtime }) => {
    const put = tables.executionSteps.put.bind(tables.executionSteps)
    tables.executionSteps.put = async (...step) =>
      failures-- > 0 ? await Promise.reject(new Error('the disk is full')) : await put(...step)
    return { ...runtime, tables }
  })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true })
  onTestFinished(() => void vi.useRealTimers())
  expect(await resume()).toHaveLength(0)
  await runtime.workflows.start('bills', 'imp_1', {})
  await expect(whenEnded('bills', 'imp_1')).rejects.toThrow('the disk is full')
  await vi.waitFor(() => expect(log.lines).toMatchObject([{ message: 'an execution stopped' }]))
  expect(await runtime.workflows.describe('bills', 'imp_1')).toMatchObject({ status: 'running' })
  await vi.advanceTimersByTimeAsync(60_000)
  expect((await whenEnded('bills', 'imp_1')).status).toBe('succeeded')
})

test('an execution that nobody started is not waited for', async () => {
  const { whenEnded } = await machine({})
  await expect(whenEnded('bills', 'imp_none')).rejects.toMatchObject({ name: 'Fault', code: 'not_found' })
})
