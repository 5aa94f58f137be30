import pLimit from 'p-limit'
import { holds, isTimestamp } from './choice.ts'
import type { Choice, Fail, Machine, Map as MapState, Parallel, State, Wait } from './definition.ts'
import { matches, StateError, runtimeError } from './error.ts'
import { combine, fill, read, select } from './path.ts'
import { withRetries } from './retry.ts'
import { anySignal, toJson, type Place, type Run, sleepUntil } from './run.ts'
import { runTask } from './task.ts'

/** A resumed execution repeats its path with the journaled outputs, times and random values. */
export async function runMachine(run: Run, { StartAt, States }: Machine, at: Place, input: unknown): Promise<unknown> {
  const visits = new Map<string, number>()
  let data = input
  for (let name: string | undefined = StartAt; name !== undefined;) {
    at.signal.throwIfAborted()
    const state: State | undefined = States[name]
    if (!state) throw new Error(`State ${name} does not exist`)
    const visit = visits.get(name) ?? 0
    visits.set(name, visit + 1)
    const context = { ...at.context, State: { Name: name, RetryCount: 0 } }
    const path = `${at.path}${encodeURIComponent(name)}.${visit}`
    const { output, next }: Outcome = await runState(run, state, { ...at, path, context }, data)
    data = toJson(output)
    name = next
  }
  return data
}

interface Outcome {
  output: unknown
  next: string | undefined
}

async function runState(run: Run, state: State, at: Place, raw: unknown): Promise<Outcome> {
  try {
    const { context } = at
    if (state.Type === 'Fail') throw failure(state, raw, at)
    const input = select(state.InputPath, raw, context)
    const result = await resultOf(run, state, at, input)
    const selected = 'ResultSelector' in state ? fill(state.ResultSelector, result, context) : result
    const combined = 'ResultPath' in state ? combine(state.ResultPath, raw, selected) : selected
    const output = select(state.OutputPath, combined, context)
    return {
      output,
      next: state.Type === 'Choice' ? chosen(state, input, at) : 'Next' in state ? state.Next : undefined,
    }
  } catch (error) {
    const catchers = 'Catch' in state && error instanceof StateError ? state.Catch : []
    const catcher = catchers.find(({ ErrorEquals }) => matches(ErrorEquals, error as StateError))
    if (!catcher) throw error
    return { output: combine(catcher.ResultPath, raw, (error as StateError).output), next: catcher.Next }
  }
}

async function resultOf(run: Run, state: Exclude<State, Fail>, at: Place, input: unknown): Promise<unknown> {
  switch (state.Type) {
    case 'Choice':
    case 'Succeed':
      return input
    case 'Pass':
      if ('Result' in state) return state.Result
      return state.Parameters ? fill(state.Parameters, input, at.context) : input
    case 'Wait':
      await sleepUntil(await endOfWait(run, state, at, input), at.signal)
      return input
    case 'Task':
      return await runTask(run, state, at, input)
    case 'Parallel':
      return await withRetries(run, state, at, (attempt) => runParallel(run, state, attempt, input))
    case 'Map':
      return await withRetries(run, state, at, (attempt) => runMap(run, state, attempt, input))
  }
}

function failure({ Error: name, ErrorPath, Cause, CausePath }: Fail, input: unknown, { context }: Place): StateError {
  const given = (text: string | undefined, path: string | undefined) =>
    path === undefined ? (text ?? '') : String(read(path, input, context))
  return new StateError(given(name, ErrorPath), given(Cause, CausePath))
}

function chosen({ Choices, Default }: Choice, input: unknown, { context }: Place) {
  const next = Choices.find((rule) => holds(rule, input, context))?.Next ?? Default
  if (next === undefined) throw new StateError('States.NoChoiceMatched', 'No rule of the Choice state matches.')
  return next
}

async function endOfWait(run: Run, state: Wait, { path, context }: Place, input: unknown) {
  const time = state.TimestampPath === undefined ? state.Timestamp : read(state.TimestampPath, input, context)
  if (isTimestamp(time)) return Date.parse(time)
  const seconds = state.SecondsPath === undefined ? state.Seconds : read(state.SecondsPath, input, context)
  if (typeof seconds !== 'number' || seconds < 0) throw runtimeError('A Wait state needs seconds or a timestamp.')
  const remembered = run.journal.read(path)?.until
  if (remembered !== undefined) return remembered
  const until = Date.now() + seconds * 1000
  await run.journal.write(path, { status: 'waiting', until })
  return until
}

async function runParallel(run: Run, state: Parallel, at: Place, input: unknown): Promise<unknown> {
  const given = state.Parameters ? fill(state.Parameters, input, at.context) : input
  const branches = state.Branches.map((branch) => (inside: Place) => runMachine(run, branch, inside, given))
  return await runAll(branches, at, branches.length)
}

async function runMap(run: Run, state: MapState, at: Place, input: unknown): Promise<unknown> {
  const items = state.ItemsPath === undefined ? input : read(state.ItemsPath, input, at.context)
  if (!Array.isArray(items)) throw runtimeError('The items of a Map state must be a list.')
  const iterations = items.map((item: unknown, index) => async (inside: Place) => {
    const context = { ...inside.context, Map: { Item: { Index: index, Value: item } } }
    const given = state.ItemSelector ? fill(state.ItemSelector, input, context) : item
    return await runMachine(run, state.ItemProcessor, { ...inside, context }, given)
  })
  return await runAll(iterations, at, state.MaxConcurrency)
}

/** Outputs keep their order; the first failure aborts the others. */
async function runAll(machines: ((at: Place) => Promise<unknown>)[], at: Place, atOnce: number): Promise<unknown[]> {
  const limit = pLimit(Math.max(1, atOnce))
  const own = new AbortController()
  const signal = anySignal(at.signal, own)
  try {
    return await Promise.all(
      machines.map(async (machine, index) => limit(() => machine({ ...at, path: `${at.path}/${index}/`, signal }))),
    )
  } catch (error) {
    own.abort()
    throw error
  }
}
