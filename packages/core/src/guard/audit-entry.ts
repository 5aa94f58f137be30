import { createHash } from 'node:crypto'
import * as z from 'zod'

declare module '../effects/tables.ts' {
  interface Tables {
    audit: Table<Info>
  }
}

const Result = z.enum(['success', 'denied', 'failed', 'unknown'])

/** One line of an organization's audit log. Never changed; each holds the hash of the one before. */
export const Info = z.object({
  /** The number, so that it sorts: `000000000001`. */
  id: z.string(),
  sequence: z.number().int(),
  at: z.string(),
  action: z.string().describe('The operation, `noun.verb`.'),
  result: Result.describe(
    '`denied`: the caller lacked the right. `failed`: a fault of ours cut it off. `unknown`: the process ended in the middle.',
  ),
  actorKind: z.enum(['user', 'key', 'system', 'anonymous']),
  actorId: z.string(),
  resourceType: z.string().optional(),
  resourceId: z.string().optional(),
  before: z.record(z.string(), z.unknown()).optional().describe('What the change found.'),
  after: z.record(z.string(), z.unknown()).optional().describe('What it left.'),
  detail: z.string().optional(),
  ipAddress: z.string().optional(),
  userAgent: z.string().optional(),
  requestId: z.string(),
  intentId: z.string().optional().describe('The trace of the action: each stands here once.'),
  previousHash: z.string(),
  hash: z.string().describe('SHA-256 of everything else in this entry, as JSON with sorted names.'),
})
export type Info = z.infer<typeof Info>

/** What an action says of itself. Nothing secret may stand in `before` and `after`. */
export type Draft = Pick<Info, 'action' | 'result' | 'intentId'> & Subject
export type Subject = Partial<Pick<Info, 'resourceType' | 'resourceId' | 'before' | 'after' | 'detail'>>
export type Origin = Pick<Info, 'actorKind' | 'actorId' | 'ipAddress' | 'userAgent' | 'requestId'>

const genesis = '0'.repeat(64)

/** The end of a chain: what the next entry follows. */
export type Last = Pick<Info, 'sequence' | 'hash'>

/** The id of the entry of this number. */
export function idOf(sequence: number): string {
  return String(sequence).padStart(12, '0')
}

/** The entry that follows. */
export function next(last: Last | undefined, body: Omit<Info, 'id' | 'sequence' | 'previousHash' | 'hash'>): Info {
  const sequence = (last?.sequence ?? 0) + 1
  const entry = { ...stored(body), id: idOf(sequence), sequence, previousHash: last?.hash ?? genesis }
  return { ...entry, hash: hashOf(entry) }
}

/** As a table gives it back: JSON, without what is undefined. */
function stored<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value
}

/** The hash of an entry without its own. */
export function hashOf(entry: Omit<Info, 'hash'> & { hash?: string }): string {
  return createHash('sha256')
    .update(canonical({ ...entry, hash: undefined }))
    .digest('hex')
}

/** JSON with the names of every object sorted, so that the same entry is the same text wherever it comes from. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return `{${fields
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`)
    .join(',')}}`
}

/** Whether every entry follows from the one before. */
export const Verification = z.object({
  intact: z.boolean(),
  entries: z.number().int(),
  firstBroken: z.number().int().nullable().describe('The number of the first entry that does not fit.'),
  headHash: z
    .string()
    .describe('Of the last entry: keep it elsewhere, and no entry can be taken away from the end unseen.'),
})

export type Verification = z.infer<typeof Verification>

/** Goes through a chain from its beginning. */
export function verify(entries: readonly Info[]): Verification {
  return entries.reduce(follow, unbroken)
}

export const unbroken: Verification = { intact: true, entries: 0, firstBroken: null, headHash: genesis }

/** What is known of a chain with one entry more. */
export function follow({ intact, entries, firstBroken, headHash }: Verification, entry: Info): Verification {
  const sequence = entries + 1
  const fits = intact && entry.sequence === sequence && entry.previousHash === headHash && entry.hash === hashOf(entry)
  return { intact: fits, entries: sequence, firstBroken: fits ? null : (firstBroken ?? sequence), headHash: entry.hash }
}
