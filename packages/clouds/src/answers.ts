import { setTimeout as sleep } from 'node:timers/promises'
import { type CallFault, faultOf, type Faults } from './faults.ts'
import type { Answer } from './server.ts'

/** An error by its cloud's name. */
export class Refusal extends Error {
  readonly status: number
  constructor(code: string, status: number) {
    super(code)
    this.status = status
  }
}

type Code = [code: string, status: number]

/** How a cloud refuses calls, and how it writes a refusal. */
export interface Refusals {
  /** By the service of a call: `s3`, `bigquery`; the clouds name the same error differently. */
  codes: Partial<Record<CallFault['kind'], Record<string, Code> & { other: Code }>>
  /** `seconds`: the wait that a throttled call is asked for. */
  write(call: string, refusal: Refusal, seconds?: number): Answer
}

/** Answers a call, with the fault that applies to it. */
export async function answered(
  { call, faults, codes, write }: Refusals & { call: string; faults: Faults },
  answer: () => Answer | Promise<Answer>,
): Promise<Answer> {
  const fault = faultOf(faults, call)
  const { kind, seconds = 1 } = fault ?? {}
  if (kind === 'slow') await sleep(seconds * 1000, undefined, { ref: false })
  try {
    const known = kind && codes[kind]
    if (known) throw new Refusal(...(known[call.split(/[:.]/)[0] ?? ''] ?? known.other))
    return { ...(await answer()), ...(kind === 'cut' && { isCut: true }), ...(kind === 'lost' && { isLost: true }) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return kind === 'throttled' ? write(call, error, seconds) : write(call, error)
  }
}

/** The call of a path. In a pattern, `{name}` is one segment and `{name*}` any number. */
export function routesOf<Operation>(
  rows: Record<string, readonly [path: string, operation: Operation]>,
  flags: 'i' | '' = '',
) {
  const routes = Object.entries(rows).map(([call, [path, operation]]) => {
    const pattern = path.replaceAll('*}', '>.*)').replaceAll('}', '>[^/:]+)').replaceAll('{', '(?<')
    return { call, operation, pattern: new RegExp(`^${pattern}$`, flags) }
  })
  return (path: string) => {
    for (const { call, operation, pattern } of routes) {
      const found = pattern.exec(path)
      if (found) return { call, operation, named: { ...found.groups } }
    }
    throw new Error(`${path} is not simulated`)
  }
}
