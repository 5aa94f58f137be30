import { type Fault, isFault, type Problem } from '@cloudoptima/core'
import { type Calls, Refusal } from './calls.ts'

/** Reports the part, with `remedy` for a missing permission, and answers undefined if Azure refuses the call. */
export async function orReport<T>(
  { access }: Calls,
  { part, remedy }: { part: string; remedy: string },
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    access.report({ part, ...explained(error, remedy) })
    return undefined
  }
}

/**
 * Reads parts one by one. A part that cannot be read is reported, and the rest is read all the same; throws Fault
 * `unavailable` if Azure answers for none.
 */
export async function* eachPart<T>(
  calls: Calls,
  parts: Iterable<{ part: string; remedy: string; read: () => Promise<T> }>,
): AsyncGenerator<{ part: string; found: T }> {
  let failure: Fault | undefined
  let isAnyAnswered = false
  for (const { read, ...named } of parts) {
    try {
      const found = await orReport(calls, named, read)
      isAnyAnswered = true
      if (found !== undefined) yield { part: named.part, found }
    } catch (error) {
      if (!isFault(error, 'unavailable')) throw error
      failure = error
      calls.access.report({ state: 'unavailable', part: named.part, message: error.message })
    }
  }
  if (!isAnyAnswered && failure) throw failure
}

function explained({ status, code }: Refusal, remedy: string): Pick<Problem, 'state' | 'message'> {
  if (/NotRegistered|MissingSubscriptionRegistration/i.test(code))
    return { state: 'api_disabled', message: `The subscription has not registered this resource provider (${code}).` }
  if (status === 401 || status === 403)
    return { state: 'permission_missing', message: `Azure refuses access (${code}). ${remedy}` }
  return { state: 'unavailable', message: `Azure refuses the request (${status} ${code}).` }
}
