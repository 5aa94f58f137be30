import type { Execution } from '@cloudoptima/core'

/** Errors that no Retry and no Catch matches. */
const terminal = new Set(['States.Runtime', 'States.DataLimitExceeded'])

/** An error of a state by its name in Amazon States Language, which Retry and Catch match. */
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

/** The state cannot be run as it is: a path leads nowhere, or a value is of the wrong kind. */
export const runtimeError = (cause: string): StateError => new StateError('States.Runtime', cause)

/** What a failed function is to Step Functions: the error's name, and as cause the answer of the Lambda runtime. */
export function errorOfStep(error: unknown): StateError {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  return new StateError(name, JSON.stringify({ errorType: name, errorMessage: message }))
}

/** Whether ErrorEquals of a retrier or a catcher means the error. */
export function matches(names: readonly string[], error: StateError): boolean {
  const wildcards = error.name === 'States.Timeout' ? ['States.ALL'] : ['States.ALL', 'States.TaskFailed']
  return !terminal.has(error.name) && names.some((name) => name === error.name || wildcards.includes(name))
}
