import { hash } from 'node:crypto'
import * as z from 'zod'

declare module '../effects/tables.ts' {
  interface Tables {
    audit: Table<Info>
  }
}

const Result = z.enum(['success', 'denied', 'failed', 'unknown'])

export const Info = z.object({
  /** Zero-padded sequence. */
  id: z.string(),
  sequence: z.int(),
  at: z.string(),
  action: z.string().describe('The operation, `noun.verb`.'),
  result: Result.describe(
    '`denied`: the caller lacked the permission. `failed`: an internal error. `unknown`: the process ended before ' +
      'the result was written.',
  ),
  actorKind: z.enum(['user', 'key', 'system', 'anonymous']),
  actorId: z.string(),
  resourceType: z.string().optional(),
  resourceId: z.string().optional(),
  before: z.record(z.string(), z.unknown()).optional().describe('State before the change.'),
  after: z.record(z.string(), z.unknown()).optional().describe('State after the change.'),
  detail: z.string().optional(),
  ipAddress: z.string().optional(),
  userAgent: z.string().optional(),
  requestId: z.string(),
  intentId: z.string().optional().describe('The trace of the action; at most one entry for each trace.'),
  previousHash: z.string(),
  hash: z.string().describe('SHA-256 of the other fields, as JSON with sorted names.'),
})
export type Info = z.infer<typeof Info>

/** `before` and `after` must hold no secrets. */
export type Draft = Pick<Info, 'action' | 'result' | 'intentId'> & Subject
type Described = 'resourceType' | 'resourceId' | 'before' | 'after' | 'detail'
export type Subject = { [Field in Described]?: Info[Field] | undefined }
export type Origin = Pick<Info, 'actorKind' | 'actorId' | 'ipAddress' | 'userAgent' | 'requestId'>

const genesis = '0'.repeat(64)

export type Last = Pick<Info, 'sequence' | 'hash'>

export function idOf(sequence: number): string {
  return String(sequence).padStart(12, '0')
}

export type Body = Omit<Info, 'id' | 'sequence' | 'previousHash' | 'hash'>

export function next(last: Last | undefined, body: Body): Info {
  const sequence = (last?.sequence ?? 0) + 1
  // As a table stores it: JSON without undefined fields.
  const stored = JSON.parse(JSON.stringify(body)) as Body
  const entry = { ...stored, id: idOf(sequence), sequence, previousHash: last?.hash ?? genesis }
  return { ...entry, hash: hashOf(entry) }
}

export function hashOf(entry: Omit<Info, 'hash'> & { hash?: string }): string {
  return hash('sha256', canonical({ ...entry, hash: undefined }))
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return `{${fields
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`)
    .join(',')}}`
}

export const Verification = z.object({
  intact: z.boolean(),
  entries: z.int(),
  firstBroken: z.int().nullable().describe('Number of the first entry that breaks the chain.'),
  headHash: z.string().describe('Hash of the last entry.'),
  anchored: z.int().nullable().describe('The newest entry whose hash is stored apart from the log.'),
  problem: z.string().nullable().describe('What is wrong with the log.'),
})

export type Verification = z.infer<typeof Verification>

export function verify(entries: readonly Info[]): Verification {
  return entries.reduce(follow, unbroken)
}

export const unbroken: Verification = {
  intact: true,
  entries: 0,
  firstBroken: null,
  headHash: genesis,
  anchored: null,
  problem: null,
}

export function follow(before: Verification, entry: Info): Verification {
  const entries = before.entries + 1
  const fits = entry.sequence === entries && entry.previousHash === before.headHash && entry.hash === hashOf(entry)
  const after = { ...before, entries, headHash: entry.hash }
  if (fits || !before.intact) return after
  const problem = `Entry ${entries} does not follow the one before: an entry was changed, removed or added.`
  return { ...after, intact: false, firstBroken: entries, problem }
}
