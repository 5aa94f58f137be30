/** The closed list of what can go wrong, and the HTTP status each is answered with. */
export const statusOf = {
  invalid: 422,
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  too_large: 413,
  rate_limited: 429,
  unavailable: 503,
} as const

export type FaultCode = keyof typeof statusOf

/** One thing that is wrong with the input: where, and what. */
export interface Complaint {
  path: string
  message: string
}

/** The one error of this product that may be shown to its users: `message` is a sentence a person can act on. */
export class Fault extends Error {
  readonly code: FaultCode
  readonly complaints: readonly Complaint[]
  /** When asking again may help, in seconds from now. */
  readonly retryAfterSeconds: number | undefined

  constructor(code: FaultCode, message: string, complaints: readonly Complaint[] = [], retryAfterSeconds?: number) {
    super(message)
    this.name = 'Fault'
    this.code = code
    this.complaints = complaints
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Whether the error is a fault of this code. */
export function isFault(error: unknown, code: FaultCode): error is Fault {
  return error instanceof Fault && error.code === code
}

/** Whether the error has one of these codes of Node, such as `ENOENT`. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

/** The message of an error, or the text of whatever else was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
