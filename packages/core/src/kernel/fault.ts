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

export interface Complaint {
  path: string
  message: string
}

/** Shown to users: `message` says what is wrong and what to do. */
export class Fault extends Error {
  readonly code: FaultCode
  readonly complaints: readonly Complaint[]
  readonly retryAfterSeconds: number | undefined

  constructor(code: FaultCode, message: string, complaints: readonly Complaint[] = [], retryAfterSeconds?: number) {
    super(message)
    this.name = 'Fault'
    this.code = code
    this.complaints = complaints
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Fault `invalid` with the one complaint that it states: "{subject} {message}." */
export function invalid(path: string, subject: string, message: string, advice?: string): Fault {
  return new Fault('invalid', [`${subject} ${message}.`, advice].filter(Boolean).join(' '), [{ path, message }])
}

export function isFault(error: unknown, code: FaultCode): error is Fault {
  return error instanceof Fault && error.code === code
}

/** The result of a conditional write; if its condition fails (Fault `conflict`), the result of `otherwise`. */
export async function onConflict<Done, Other>(
  write: Promise<Done>,
  otherwise: (conflict: Fault) => Other | Promise<Other>,
): Promise<Done | Other> {
  try {
    return await write
  } catch (error) {
    if (isFault(error, 'conflict')) return await otherwise(error)
    throw error
  }
}

/** Whether the condition of the write holds. */
export async function isWritten(write: Promise<unknown>): Promise<boolean> {
  const done = write.then(() => true)
  return await onConflict(done, () => false)
}

export function raise(error: Error): never {
  throw error
}

/** Such as `ENOENT`. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
