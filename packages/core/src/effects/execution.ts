declare module './tables.ts' {
  interface Tables {
    executions: Table<Info>
    executionSteps: Table<Step>
  }
}

/** One run of a workflow, as the embedded interpreter keeps it. */
export interface Info {
  /** `{workflow}:{name}`. */
  id: string
  workflow: string
  name: string
  status: 'running' | 'succeeded' | 'failed' | 'stopped'
  input: unknown
  startedAt: string
  endedAt?: string
  /** Error and cause of a failed execution, the reason of a stopped one. */
  error?: string
  /** Seconds since 1970. */
  expiresAt: number
}

/** The error output of Amazon States Language. */
export interface ErrorOutput {
  Error: string
  Cause: string
}

/** What one state of an execution has come to: a resumed execution goes on from there. */
export interface Step {
  /** `{execution}#{path of the state}`; the execution's own output has an empty path. */
  id: string
  /** `asked`: a task waits for the answer to its token. `rejected`: the answer was an error. `waiting`: a Wait state. */
  status: 'done' | 'failed' | 'retrying' | 'asked' | 'rejected' | 'waiting'
  output?: unknown
  error?: ErrorOutput
  /** Retries so far, for each retrier of the state. */
  retries?: number[]
  /** Milliseconds since 1970: the end of the wait, the next attempt, or the deadline of the answer. */
  until?: number
  token?: string
  /** The function that takes the token has ended. */
  isSent?: true
  /** Seconds since 1970. */
  expiresAt: number
}
