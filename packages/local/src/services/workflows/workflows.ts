import { Fault, isFault, type Execution, type Log, type Table, walk, type Workflows } from '@cloudoptima/core'
import type { Machine } from '../../asl/definition.ts'
import { StateError } from '../../asl/error.ts'
import type { StepFunction } from '../../asl/run.ts'
import { runMachine } from '../../asl/machine.ts'
import { parse } from '../../asl/parse.ts'
import { finish, idOf, newExecution, owner, pollEnd, refusingLarge } from './executions.ts'
import { createJournals } from './journal.ts'

/** A definition in Amazon States Language; its `${Normalize}` is `steps.Normalize`. */
export interface Workflow {
  definition: unknown
  steps: Record<string, StepFunction>
}

export interface Interpreter extends Workflows {
  /** Resumes the executions that a kill or a failed write of the journal interrupted; returns all that run. */
  resume(): Promise<Execution.Info[]>
  whenEnded(workflow: string, name: string): Promise<Execution.Info>
  /** Begins no further state; running executions stay `running` and are resumed later. */
  close(): Promise<void>
}

interface Options {
  tables: { executions: Table<Execution.Info>; executionSteps: Table<Execution.Step> }
  workflows: Record<string, Workflow>
  log: Log
}

interface Live {
  stop: AbortController
  ended: Promise<Execution.Info>
}

/**
 * Runs state machines durably: the result of each finished state is an item, so a resumed execution does not repeat it.
 * No interpreter on npm can resume: aws-local-stepfunctions 3.0.0 keeps retries and waits in memory.
 */
export function createInterpreter({ tables, workflows, log }: Options): Interpreter {
  const { executions } = tables
  const machines = new Map<string, Machine>()
  for (const [name, { definition, steps }] of Object.entries(workflows))
    machines.set(name, parse(name, definition, Object.keys(steps)))
  const live = new Map<string, Live>()
  /** Executions being inserted, which `resume` must not launch again. */
  const starting = new Map<string, Promise<void>>()
  const closing = new AbortController()
  const journals = createJournals(tables, owner)

  async function begin(info: Execution.Info) {
    try {
      await executions.insert(owner, info)
    } catch (error) {
      if (isFault(error, 'conflict')) return
      throw error
    }
    launch(info, [])
  }

  function launch(info: Execution.Info, left: Execution.Step[]) {
    const machine = machines.get(info.workflow)
    const steps = workflows[info.workflow]?.steps
    if (!machine || !steps) throw unknown(info.workflow)
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, closing.signal])
    const context = {
      Execution: { Name: info.name, Input: info.input, StartTime: info.startedAt },
      State: { Name: '', RetryCount: 0 },
    }
    const run = { steps, ...journals.open(info, left) }
    const result = runMachine(run, machine, { path: '', context, signal }, info.input)
    const ended = conclude(info, result)
    live.set(info.id, { stop, ended })
    ended
      .catch(
        (error: unknown) =>
          closing.signal.aborted ||
          log.error('an execution stopped', { executionId: info.name, workflow: info.workflow, error }),
      )
      .finally(() => {
        live.delete(info.id)
        journals.close(info.id)
      })
  }

  async function conclude(info: Execution.Info, result: Promise<unknown>): Promise<Execution.Info> {
    try {
      await journals.keepOutput(info, await result)
    } catch (error) {
      if (closing.signal.aborted)
        throw new Fault('unavailable', `Execution ${info.name} was interrupted; the next start goes on with it.`)
      if (error instanceof StateError)
        return await finish(executions, info, { status: 'failed', error: [error.name, error.message].join(': ') })
      const stored = await executions.get(owner, info.id)
      if (stored && stored.status !== 'running') return stored
      throw error
    }
    return await finish(executions, info, { status: 'succeeded' })
  }

  return {
    async start(workflow, name, input) {
      if (!machines.has(workflow)) throw unknown(workflow)
      const info = newExecution(workflow, name, input)
      if (live.has(info.id)) return
      const begun = starting.get(info.id) ?? begin(info).finally(() => starting.delete(info.id))
      starting.set(info.id, begun)
      await begun
    },
    async stop(workflow, name, reason) {
      const id = idOf(workflow, name)
      const info = await executions.get(owner, id)
      if (info?.status !== 'running') return
      await finish(executions, info, { status: 'stopped', error: reason })
      live.get(id)?.stop.abort()
    },
    async describe(workflow, name) {
      const info = await executions.get(owner, idOf(workflow, name))
      if (info?.status === 'succeeded') return { status: info.status, output: await journals.outputOf(info.id) }
      return info && { status: info.status, error: info.error }
    },
    succeed: async (token, output) => await journals.answer(token, { status: 'done', output: refusingLarge(output) }),
    fail: (token, { error, cause }) =>
      journals.answer(token, { status: 'rejected', error: { Error: error, Cause: cause } }),
    async resume() {
      const busy = new Set([...live.keys(), ...starting.keys()])
      const running = await Array.fromAsync(walk((page) => executions.byStatus(owner, 'running', page)))
      const left = running.filter(({ id }) => !busy.has(id) && !live.has(id) && !starting.has(id))
      for (const info of left) launch(info, await tables.executionSteps.all(owner, `${info.id}#`))
      return running
    },
    whenEnded: async (workflow, name) =>
      await (live.get(idOf(workflow, name))?.ended ?? pollEnd(executions, workflow, name)),
    async close() {
      closing.abort()
      await journals.written()
    },
  }
}

const unknown = (workflow: string): Fault => new Fault('not_found', `There is no workflow ${workflow}.`)
