import { Fault, isFault, type Execution, type Table } from '@cloudoptima/core'
import { StateError } from '../../asl/error.ts'
import { toJson } from '../../asl/run.ts'

/** Executions belong to the machine, as on Step Functions. */
export const owner = 'machine'
/** Step Functions ends an execution after a year and forgets it 90 days later. */
const keptSeconds = (366 + 90) * 24 * 3600

export const idOf = (workflow: string, name: string): string => `${workflow}:${name}`

/** Throws Fault `invalid` where Step Functions would refuse the name or the input. */
export function newExecution(workflow: string, name: string, input: unknown): Execution.Info {
  if (!/^[\w-]{1,80}$/.test(name))
    throw new Fault('invalid', `${name} cannot name an execution: 1 to 80 letters, digits, - and _ can.`)
  const now = new Date()
  return {
    id: idOf(workflow, name),
    workflow,
    name,
    status: 'running',
    input: refusingLarge(input),
    startedAt: now.toISOString(),
    expiresAt: Math.floor(now.getTime() / 1000) + keptSeconds,
  }
}

/** Returns the stored record if it has ended. */
export async function finish(
  executions: Table<Execution.Info>,
  info: Execution.Info,
  change: Pick<Execution.Info, 'status' | 'error'>,
): Promise<Execution.Info> {
  const ended = { ...info, ...change, endedAt: new Date().toISOString() }
  try {
    await executions.replace(owner, ended, { status: 'running' })
    return ended
  } catch (error) {
    const stored = isFault(error, 'conflict') ? await executions.get(owner, info.id) : undefined
    if (!stored) throw error
    return stored
  }
}

export async function pollEnd(
  executions: Table<Execution.Info>,
  workflow: string,
  name: string,
): Promise<Execution.Info> {
  for (;;) {
    const info = await executions.get(owner, idOf(workflow, name))
    if (!info) throw new Fault('not_found', `There is no execution ${name} of ${workflow}.`)
    if (info.status !== 'running') return info
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Throws Fault `invalid` for more JSON than Step Functions takes. */
export function refusingLarge(value: unknown): unknown {
  try {
    return toJson(value)
  } catch (error) {
    throw error instanceof StateError ? new Fault('invalid', error.message) : error
  }
}
