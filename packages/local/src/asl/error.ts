import type { Execution } from '@cloudoptima/core'

/** Errors that Retry and Catch never match. */
const terminal = new Set(['States.Runtime', 'States.DataLimitExceeded'])

export class StateError extends Error {
  override readonly name: string

  constructor(name: string, cause: string) {
    super(cause)
    this.name = name
  }

  get output(): Execution.ErrorOutput {
    return { Error: this.name, Cause: this.message }
  }
}

export const runtimeError = (cause: string): StateError => new StateError('States.Runtime', cause)

export function errorOfStep(error: unknown): StateError {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  return new StateError(name, JSON.stringify({ errorType: name, errorMessage: message }))
}

export function matches(names: readonly string[], error: StateError): boolean {
  const wildcards = error.name === 'States.Timeout' ? ['States.ALL'] : ['States.ALL', 'States.TaskFailed']
  return !terminal.has(error.name) && names.some((name) => name === error.name || wildcards.includes(name))
}
