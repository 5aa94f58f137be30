import { randomBytes } from 'node:crypto'
import { Fault, isFault, type Execution, type Table } from '@cloudoptima/core'
import { StateError } from '../../asl/error.ts'
import type { Entry, Run } from '../../asl/run.ts'

interface Tables {
  executions: Table<Execution.Info>
  executionSteps: Table<Execution.Step>
}

export interface Journals {
  /** `left`: the entries of an earlier process. */
  open(info: Execution.Info, left: Execution.Step[]): Omit<Run, 'steps'>
  close(execution: string): void
  keepOutput(info: Execution.Info, output: unknown): Promise<void>
  outputOf(execution: string): Promise<unknown>
  /** Stores the answer to a token, then resumes its task; throws Fault `conflict` if no task waits. */
  answer(token: string, answer: Pick<Entry, 'status' | 'output' | 'error'>): Promise<void>
  /** Resolves when no write is pending. */
  written(): Promise<void>
}

interface Waiter {
  resolve(output: unknown): void
  reject(error: unknown): void
}

function settle(waiter: Waiter | undefined, { output, error }: Pick<Entry, 'output' | 'error'>) {
  if (error) waiter?.reject(new StateError(error.Error, error.Cause))
  else waiter?.resolve(output)
}

export function createJournals({ executions, executionSteps: steps }: Tables, owner: string): Journals {
  const waiters = new Map<string, Waiter>()
  /** Tokens whose tasks ended without an answer, by execution. */
  const withdrawn = new Map<string, Set<string>>()
  const writing = new Set<Promise<void>>()
  const tracked = async (write: Promise<void>) => {
    writing.add(write)
    await write.finally(() => writing.delete(write))
  }
  const noTask = () =>
    new Fault('conflict', 'No task waits for this token: it is unknown, was answered before, or timed out.')

  async function findAsked(token: string): Promise<Execution.Step> {
    const id = idIn(token)
    const step = await steps.get(owner, id)
    if (step?.token !== token || step.status !== 'asked' || (step.until ?? 0) <= Date.now()) throw noTask()
    if ((await executions.get(owner, executionIn(id)))?.status !== 'running') throw noTask()
    return step
  }

  return {
    open({ id, expiresAt }, left) {
      const entries = new Map(left.map((step) => [step.id, step]))
      const keyOf = (path: string) => `${id}#${path}`
      const gone = new Set<string>()
      withdrawn.set(id, gone)
      return {
        journal: {
          read: (path) => entries.get(keyOf(path)),
          write: async (path, entry) => await tracked(steps.put(owner, { ...entry, id: keyOf(path), expiresAt })),
        },
        newToken: (path) =>
          `${Buffer.from(keyOf(path)).toString('base64url')}.${randomBytes(24).toString('base64url')}`,
        waitFor(path, token) {
          const { promise: answer, resolve, reject } = Promise.withResolvers<unknown>()
          const waiter: Waiter = { resolve, reject }
          waiters.set(token, waiter)
          // The answer may have been stored between the reading of the journal and this call.
          if (entries.has(keyOf(path)))
            steps
              .get(owner, keyOf(path))
              .then((step) => step && step.status !== 'asked' && settle(waiter, step), reject)
          return { answer, withdraw: () => waiters.delete(token) && gone.add(token) !== undefined }
        },
        async markSent(path, entry) {
          const sent: Execution.Step = { ...entry, id: keyOf(path), expiresAt, isSent: true }
          try {
            await tracked(steps.replace(owner, sent, { status: 'asked', token: entry.token }))
          } catch (error) {
            // The answer came before the function ended.
            if (!isFault(error, 'conflict')) throw error
          }
        },
      }
    },
    keepOutput: async ({ id, expiresAt }, output) =>
      await tracked(steps.put(owner, { id: `${id}#`, status: 'done', output, expiresAt })),
    close: (execution) => void withdrawn.delete(execution),
    outputOf: async (execution) => (await steps.get(owner, `${execution}#`))?.output,
    async answer(token, answer) {
      const asked = await findAsked(token)
      const waiter = waiters.get(token)
      if (withdrawn.get(executionIn(asked.id))?.has(token)) throw noTask()
      // From here on the task cannot time out.
      waiters.delete(token)
      try {
        await tracked(steps.replace(owner, { ...asked, ...answer }, { status: 'asked', token }))
      } catch (error) {
        if (isFault(error, 'conflict')) throw noTask()
        if (waiter) waiters.set(token, waiter)
        throw error
      }
      settle(waiter ?? waiters.get(token), answer)
    },
    async written() {
      await Promise.allSettled(writing)
    },
  }
}

const idIn = (token: string) => Buffer.from(token.split('.')[0] ?? '', 'base64url').toString() || '-'

const executionIn = (stepId: string) => stepId.slice(0, stepId.indexOf('#'))
