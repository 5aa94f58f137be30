import { createHash } from 'node:crypto'
import type { Execution, ExecutionState, Table } from '@cloudoptima/core'
import { memoryRuntime } from '@cloudoptima/core/testing'
import { vi } from 'vitest'
import { createInterpreter, type Interpreter } from '../workflows/workflows.ts'
import { memoryLog } from './services.ts'

/** Where the interpreter is killed: just before or just after this write of its life. */
export interface Kill {
  write: number
  moment: 'before' | 'after'
}

interface Payload {
  name: string
  fails: number
  attempt: number
  data: { round: number }
  token?: string
}

const never = new Promise<never>(() => undefined)

/** The result of every run of a program; where several branches fail at once, the first one gives the cause. */
export const stable = (value: unknown): string =>
  JSON.stringify(value, (key, inside: unknown) => {
    if (key === 'Cause') return ''
    return key === 'error' ? String(inside).split(':')[0] : inside
  })

/**
 * Runs a definition in an interpreter that is killed repeatedly, until the execution has ended. Throws where a function
 * is invoked again after its end was journaled. Needs fake timers.
 */
export async function runMortal(definition: unknown, input: unknown, kills: Kill[]) {
  // Those of interpreters that were killed before.
  vi.clearAllTimers()
  const { tables } = memoryRuntime()
  const world = { life: 0, invoked: 0, repeated: [] as string[], ended: new Set<string>() }
  const idOfToken = new Map<string, string>()
  /** Tokens that nobody has answered yet. Half of the answers come before the function has ended. */
  const open = new Map<string, { payload: Payload; from: number }>()

  /** The table of one life. */
  function mortal<Item extends Execution.Info | Execution.Step>(
    table: Table<Item>,
    life: number,
    count: { left: number },
    moment: Kill['moment'],
  ): Table<Item> {
    const write = async (item: Item, act: () => Promise<void>): Promise<void> => {
      if (life !== world.life) return await never
      const isLast = --count.left === 0
      if (isLast) world.life++
      if (isLast && moment === 'before') return await never
      await act()
      const id = 'input' in item ? undefined : endedBy(item, idOfToken)
      if (id !== undefined) world.ended.add(id)
      if (isLast) await never
    }
    return {
      ...table,
      insert: async (org, item) => await write(item, async () => await table.insert(org, item)),
      put: async (org, item) => await write(item, async () => await table.put(org, item)),
      replace: async (org, item, where) => await write(item, async () => await table.replace(org, item, where)),
    }
  }

  function live(kill: Kill | undefined): Interpreter {
    const life = world.life
    const count = { left: kill?.write ?? Infinity }
    const invoked = async <Result>(payload: Payload, act: () => Result): Promise<Result> => {
      if (life !== world.life) return await never
      world.invoked++
      const id = identity(payload)
      if (world.ended.has(id)) world.repeated.push(id)
      await new Promise((resolve) => setTimeout(resolve, 1000))
      return life === world.life ? act() : await never
    }
    const boomIfToFail = (payload: Payload) => {
      if (isToFail(payload)) throw Object.assign(new Error(identity(payload)), { name: 'Boom' })
      return { id: identity(payload) }
    }
    const steps = {
      Work: async (payload: Payload) => await invoked(payload, () => boomIfToFail(payload)),
      Add: async (payload: Payload & { count: number }) =>
        await invoked(payload, () => ({ id: identity(payload), count: payload.count + 1, data: payload.data })),
      Ask: async (payload: Payload) => {
        idOfToken.set(payload.token ?? '', identity(payload))
        const from = Date.now() + ((payload.token?.charCodeAt(payload.token.length - 1) ?? 0) % 2 ? 5000 : 0)
        open.set(payload.token ?? '', { payload, from })
        return await invoked(payload, () => null)
      },
    }
    const moment = kill?.moment ?? 'after'
    return createInterpreter({
      tables: {
        executions: mortal(tables.executions, life, count, moment),
        executionSteps: mortal(tables.executionSteps, life, count, moment),
      },
      workflows: { program: { definition, steps } },
      log: memoryLog(),
    })
  }

  /** Somebody outside answers every token, again and again until that is acknowledged. */
  function answerAll(interpreter: Interpreter): void {
    for (const [token, { payload, from }] of open) {
      if (from > Date.now()) continue
      const answered = isToFail(payload)
        ? interpreter.fail(token, { error: 'Boom', cause: JSON.stringify({ errorMessage: identity(payload) }) })
        : interpreter.succeed(token, { Payload: { id: identity(payload) } })
      void answered.then(
        () => open.delete(token),
        () => open.delete(token),
      )
    }
  }

  for (const kill of [...kills, undefined]) {
    const interpreter = live(kill)
    const life = world.life
    let end: ExecutionState | undefined
    let broken: Error | undefined
    lived(interpreter, input).then(
      (state) => (end = state),
      (error: unknown) => (broken = error as Error),
    )
    for (let turn = 0; end === undefined && broken === undefined && life === world.life; turn++) {
      if (turn > 20_000) throw new Error('The execution does not end')
      vi.advanceTimersToNextTimer()
      await new Promise(setImmediate)
      answerAll(interpreter)
    }
    if (broken) throw broken
    if (end !== undefined) return { end, ...world }
  }
  throw new Error('the last interpreter is never killed')
}

async function lived(interpreter: Interpreter, input: unknown): Promise<ExecutionState | undefined> {
  if ((await interpreter.resume()).length === 0) await interpreter.start('program', 'run', input)
  await interpreter.whenEnded('program', 'run')
  return await interpreter.describe('program', 'run')
}

const isToFail = ({ fails, attempt, data }: Payload): boolean => attempt + data.round < fails

/** One attempt of one task, and of no other: what it was given tells branch, item and turn. */
const identity = ({ name, attempt, data }: Payload): string =>
  `${name}/${attempt}/${createHash('sha256').update(stable(data)).digest('base64url').slice(0, 12)}`

/** The attempt whose end is told by a remembered step. */
function endedBy(
  { status, output, error, token, isSent }: Execution.Step,
  idOfToken: Map<string, string>,
): string | undefined {
  if (token !== undefined && (isSent || status !== 'asked')) return idOfToken.get(token)
  if (status === 'done') return (output as { Payload?: { id?: string } } | null)?.Payload?.id
  return error && (JSON.parse(error.Cause) as { errorMessage: string }).errorMessage
}
