declare module './tables.ts' {
  interface Tables {
    executions: Table<Info>
    executionSteps: Table<Step>
  }
}

/** `{workflow}:{name}` */
export interface Info {
  id: string
  workflow: string
  name: string
  status: 'running' | 'succeeded' | 'failed' | 'stopped'
  input: unknown
  startedAt: string
  endedAt?: string
  error?: string
  expiresAt: number
}

export interface ErrorOutput {
  Error: string
  Cause: string
}

/** `{execution}#{path}` */
export interface Step {
  id: string
  /** `asked`: waits for the answer to its token. `rejected`: the answer was an error. `waiting`: a Wait state. */
  status: 'done' | 'failed' | 'retrying' | 'asked' | 'rejected' | 'waiting'
  output?: unknown
  error?: ErrorOutput
  retries?: number[]
  /** In ms since 1970. */
  until?: number
  token?: string
  /** The function that receives the token has ended. */
  isSent?: true
  expiresAt: number
}
