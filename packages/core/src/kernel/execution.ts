declare module './tables.ts' {
  interface Tables {
    executions: Table<Info>
  }
}
/** One run of a state machine, as the embedded interpreter remembers it: enough to go on after a kill. */
export interface Info {
  /** The execution's name. */
  id: string
  workflow: string
  status: 'running' | 'succeeded' | 'failed'
  input: unknown
  /** Result of every state that has ended, by the state's name: a resumed execution does not run it again. */
  done: Record<string, unknown>
  startedAt: string
  endedAt?: string
  error?: string
}
