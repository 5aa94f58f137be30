import { stepOf, type Task } from './definition.ts'
import { errorOfStep, StateError } from './error.ts'
import { fill } from './path.ts'
import { withRetries } from './retry.ts'
import { type Entry, toJson, type Place, type Run, withTimeout } from './run.ts'

export async function runTask(run: Run, state: Task, at: Place, input: unknown): Promise<unknown> {
  return await withRetries(run, state, at, async (attempt, retries, left) =>
    state.Resource.endsWith('.waitForTaskToken')
      ? await ask(run, state, { ...attempt, path: at.path }, input, { retries, left })
      : await invoke(run, state, { ...attempt, path: at.path }, input),
  )
}

async function invoke(run: Run, state: Task, at: Place, input: unknown): Promise<unknown> {
  const until = Date.now() + state.TimeoutSeconds * 1000
  const output = toJson({ Payload: await withTimeout(call(run, state, at, input), until, at.signal) })
  at.signal.throwIfAborted()
  await run.journal.write(at.path, { status: 'done', output })
  return output
}

/** Journals token and deadline before the call, so that both survive the process. */
async function ask(
  run: Run,
  state: Task,
  at: Place,
  input: unknown,
  { retries, left }: { retries: number[]; left: Entry | undefined },
): Promise<unknown> {
  if (left?.status === 'rejected' && left.error) throw new StateError(left.error.Error, left.error.Cause)
  const isLeft = left?.status === 'asked'
  const Token = (isLeft ? left.token : undefined) ?? run.newToken(at.path)
  const until = (isLeft ? left.until : undefined) ?? Date.now() + state.TimeoutSeconds * 1000
  const entry: Entry = { status: 'asked', token: Token, until, retries }
  if (!isLeft) await run.journal.write(at.path, entry)
  at.signal.throwIfAborted()
  const { answer, withdraw } = run.waitFor(at.path, Token)
  const context = { ...at.context, Task: { Token } }
  const sent = left?.isSent
    ? never
    : call(run, state, { ...at, context }, input).then(async () => {
        await run.markSent(at.path, entry)
        return await never
      })
  try {
    return await withTimeout(Promise.race([answer, sent]), until, at.signal)
  } catch (error) {
    // An answer being journaled precedes the failure.
    if (!withdraw() && !at.signal.aborted) return await answer
    throw error
  }
}

const never = new Promise<never>(() => undefined)

async function call(run: Run, state: Task, at: Place, input: unknown): Promise<unknown> {
  const step = run.steps[stepOf(state)]
  if (!step) throw new Error(`Function ${stepOf(state)} does not exist`)
  const { Payload = {} } = fill(state.Parameters, input, at.context) as { Payload?: unknown }
  try {
    return await step(structuredClone(Payload) as never)
  } catch (error) {
    throw errorOfStep(error)
  }
}
