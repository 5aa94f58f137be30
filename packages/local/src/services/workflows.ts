import definition from '@cloudoptima/core/bills.asl.json' with { type: 'json' }
import { Fault, type Execution, type Log, type Table, type Workflows } from '@cloudoptima/core'
import { StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions'

/** What runs in place of a Task state's function: JSON in, JSON out, as a Lambda. */
export type Step = (input: never) => Promise<unknown>

/** The product's steps, by workflow and by the name of the state that invokes them. */
export type Steps = Record<string, Record<string, Step>>

export interface Interpreter extends Workflows {
  /** Goes on with the executions that a kill cut off; answers how many. */
  resume(): Promise<number>
  /** The execution when it has ended. */
  settled(name: string): Promise<Execution.Info>
  /** Lets no further state begin; what runs stays `running` in its record, to be resumed. */
  close(): void
}

/** Executions belong to the machine, not to an organization: Step Functions has one list of them too. */
const owner = 'machine'
const definitions: Record<Execution.Info['workflow'], StateMachineDefinition> = {
  bills: definition as StateMachineDefinition,
}

type Json = Parameters<StateMachine['run']>[0]

/** Runs the state machines that Step Functions runs, and remembers each state's result, so that no kill makes it run a finished state again. */
export function createInterpreter({
  table,
  steps,
  log,
}: {
  table: Table<Execution.Info>
  steps: Steps
  log: Log
}): Interpreter {
  const running = new Map<string, { abort(): void; ended: Promise<Execution.Info> }>()
  const closing = new AbortController()
  const isClosing = () => closing.signal.aborted

  function launch(info: Execution.Info): void {
    const save = inOrder(async () => await table.put(owner, info))
    const definition = definitions[info.workflow]
    if (!definition) throw new Error(`There is no workflow ${info.workflow}.`)
    const machine = new StateMachine(definition)
    const task = (state: string, step: Step) => async (input: Json) => {
      if (isClosing()) return await never
      try {
        return { Payload: await remembered(info, state, save, step, input) }
      } catch (error) {
        if (isClosing()) return await never
        throw error
      }
    }
    const tasks = Object.entries(steps[info.workflow] ?? {}).map(([state, step]) => [state, task(state, step)] as const)
    const { abort, result } = machine.run(json(info.input), {
      overrides: { taskResourceLocalHandlers: Object.fromEntries(tasks) },
    })
    const ended = conclude(info, result, save)
    running.set(info.id, { abort, ended })
    ended
      .catch(
        (error: unknown) =>
          isClosing() || log.error('an execution stopped', { executionId: info.id, workflow: info.workflow, error }),
      )
      .finally(() => running.delete(info.id))
  }

  return {
    async start(workflow, name, input) {
      const info: Execution.Info = {
        id: name,
        workflow,
        status: 'running',
        input: json(input),
        done: {},
        startedAt: new Date().toISOString(),
      }
      try {
        await table.insert(owner, info)
      } catch (error) {
        if (error instanceof Fault && error.code === 'conflict') return
        throw error
      }
      launch(info)
    },
    async resume() {
      const left = (await table.all(owner)).filter(({ id, status }) => status === 'running' && !running.has(id))
      for (const info of left) launch(info)
      return left.length
    },
    settled: async (name) => await (running.get(name)?.ended ?? pollEnd(table, name)),
    close() {
      closing.abort()
      for (const { abort } of running.values()) abort()
    },
  }
}

/** For a process that did not start the execution: reads its record until it has ended. */
export async function pollEnd(table: Table<Execution.Info>, name: string): Promise<Execution.Info> {
  for (;;) {
    const info = await table.get(owner, name)
    if (!info) throw new Fault('not_found', `There is no execution ${name}.`)
    if (info.status !== 'running') return info
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function remembered(
  info: Execution.Info,
  state: string,
  save: () => Promise<void>,
  step: Step,
  input: Json,
): Promise<Json> {
  if (state in info.done) return json(info.done[state])
  const { Payload } = input as { Payload: Json }
  const result = json(await step(Payload as never))
  info.done = { ...info.done, [state]: result }
  await save()
  return result
}

async function conclude(
  info: Execution.Info,
  result: Promise<Json>,
  save: () => Promise<void>,
): Promise<Execution.Info> {
  try {
    await result
    info.status = 'succeeded'
  } catch (error) {
    if (error instanceof Error && error.name === 'ExecutionAbortedError')
      throw new Fault('unavailable', `Execution ${info.id} was interrupted; the next start goes on with it.`)
    info.status = 'failed'
    info.error = error instanceof Error ? error.message : String(error)
  }
  info.endedAt = new Date().toISOString()
  await save()
  return info
}

/** What a step gets and gives crosses a network in AWS: JSON, and nothing else. */
function json(value: unknown): Json {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as Json)
}

/** Of a step that a closing interpreter must neither retry nor follow by another: its execution is resumed by the next start. */
const never = new Promise<never>(() => undefined)

/** One write at a time: branches of a Parallel state end at once, and the last write must be of the newest state. */
function inOrder(write: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  return async () => {
    const next = last.then(write)
    // Its failure is told to whoever asked for it; the one after it is tried all the same.
    last = next.catch(() => undefined)
    await next
  }
}
