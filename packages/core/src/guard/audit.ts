import { createHash } from 'node:crypto'
import * as z from 'zod'
import * as Entries from './audit-entries.ts'
import { type Context, noOrganization } from '../kernel/context.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import * as Id from '../kernel/id.ts'
import { inTurn } from '../kernel/turn.ts'

declare module '../kernel/tables.ts' {
  interface Tables {
    audit: Table<Info>
    auditIntents: Table<Intent>
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
  intentId: z.string().optional().describe('The action as it began: each stands here once.'),
  previousHash: z.string(),
  hash: z.string().describe('SHA-256 of everything else in this entry, as JSON with sorted names.'),
})
export type Info = z.infer<typeof Info>

/** An action that has begun: what is left of it when the process ends before its entry is written. */
export interface Intent {
  id: string
  at: string
  draft: Draft & Origin
}

/** What an action says of itself. Nothing secret may stand in `before` and `after`. */
export type Draft = Pick<Info, 'action' | 'result' | 'intentId'> & Subject
export type Subject = Partial<Pick<Info, 'resourceType' | 'resourceId' | 'before' | 'after' | 'detail'>>
type Origin = Pick<Info, 'actorKind' | 'actorId' | 'ipAddress' | 'userAgent' | 'requestId'>

/** How a change says what it changed. `as` names for whom it happened where that is known only in the middle: whoever signs in. */
export interface Note {
  (subject: Subject, as?: Context): void
  /** The same before anything happens: so a trace is left by who was nobody when they began, too, should the process end in the middle. */
  ahead(subject: Subject, as: Context): Promise<void>
}

const genesis = '0'.repeat(64)

/** Carries out an action and writes down what came of it, with what is known `about` it before. */
export async function around<Output>(
  ctx: Context,
  action: string,
  run: (note: Note) => Promise<Output>,
  about: Subject = {},
): Promise<Output> {
  let subject = about
  let owner = ctx
  // Whoever is nobody has one as soon as they are said to be somebody.
  let intent = ctx.actor.kind === 'anonymous' ? undefined : await intend(ctx, action, about)
  const tell = (given: Subject, as = owner): void => {
    subject = { ...subject, ...given }
    owner = as
  }
  const ahead: Note['ahead'] = async (given, as) => {
    tell(given, as)
    if (!intent && isOrganization(as)) intent = await intend(as, action, given)
  }
  const note: Note = Object.assign(tell, { ahead })
  const conclude = async (result: Info['result']): Promise<void> => {
    if (isOrganization(owner))
      await append(owner, { action, result, ...subject, ...(intent && { intentId: intent.id }) })
    await intent?.withdraw()
  }
  let output: Output
  try {
    output = await run(note)
  } catch (error) {
    // What was refused for its input changed nothing; what was denied, and what may have been cut off in the middle, is written down.
    const isRefusal =
      error instanceof Fault &&
      error.code !== 'unavailable' &&
      error.code !== 'forbidden' &&
      error.code !== 'unauthenticated'
    if (isRefusal) await intent?.withdraw()
    else await conclude(isFault(error, 'forbidden') || isFault(error, 'unauthenticated') ? 'denied' : 'failed')
    throw error
  }
  await conclude('success')
  return output
}

/** What belongs to nobody yet has no log. */
function isOrganization({ orgId }: Context): boolean {
  return orgId !== noOrganization
}

async function intend(
  ctx: Context,
  action: string,
  subject: Subject = {},
): Promise<{ id: string; withdraw(): Promise<void> }> {
  const id = Id.create('int', ctx.now())
  const intent: Intent = {
    id,
    at: ctx.now().toISOString(),
    draft: { action, result: 'unknown', ...subject, ...originOf(ctx) },
  }
  await ctx.tables.auditIntents.insert(ctx.orgId, intent)
  return { id, withdraw: async () => await ctx.tables.auditIntents.remove(ctx.orgId, id) }
}

function originOf({ actor, requestId }: Context): Origin {
  const { address, userAgent } = actor
  return {
    actorKind: actor.kind,
    actorId: actor.id,
    requestId,
    ...(address !== undefined && { ipAddress: address }),
    ...(userAgent !== undefined && { userAgent }),
  }
}

const attempts = 100

/** Adds an entry to the organization's chain; answers it. Entries of one process queue up, those of several find their place by conditional writes. */
export async function append(ctx: Context, draft: Draft): Promise<Info> {
  return await place(ctx, async () => {
    return next(await Entries.last(ctx), { at: ctx.now().toISOString(), ...originOf(ctx), ...draft })
  })
}

/** Writes the entry that `make` sees fit at the end of the chain, made anew when somebody else was faster; nothing where it makes none. */
async function place<Entry extends Info | undefined>(ctx: Context, make: () => Promise<Entry>): Promise<Entry> {
  return await inTurn(ctx.runtime, `audit/${ctx.orgId}`, async () => {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const entry = await make()
      if (entry === undefined) return entry
      try {
        await ctx.tables.audit.insert(ctx.orgId, entry)
        return entry
      } catch (error) {
        if (!isFault(error, 'conflict')) throw error
      }
    }
    throw new Fault('unavailable', 'Too many changes happen at once. Try again in a moment.')
  })
}

function next(last: Info | undefined, body: Omit<Info, 'id' | 'sequence' | 'previousHash' | 'hash'>): Info {
  const sequence = (last?.sequence ?? 0) + 1
  const entry = { ...stored(body), id: Entries.idOf(sequence), sequence, previousHash: last?.hash ?? genesis }
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

// Longer than any request may take.
const abandonedMs = 5 * 60_000
// Further than the clocks of two processes are apart.
const skewMs = 3600_000

/** Writes down actions whose process ended in the middle, each once, so that the log is whole again. */
export async function settle(ctx: Context): Promise<void> {
  const { auditIntents } = ctx.tables
  const limit = new Date(ctx.now().getTime() - abandonedMs).toISOString()
  for (const { id, at, draft } of await auditIntents.all(ctx.orgId)) {
    if (at > limit) continue
    await place(ctx, async () => {
      let newest: Info | undefined
      // Its entry may have been written before its process ended, or by somebody else who settles; not before it began.
      for await (const entry of Entries.walk(ctx, { descending: true })) {
        if (entry.intentId === id) return undefined
        newest ??= entry
        if (Date.parse(entry.at) < Date.parse(at) - skewMs) break
      }
      const detail = [draft.detail, `began at ${at}, and its end is not known`]
        .filter((part) => part !== undefined)
        .join('; ')
      // Who acted then, not who looks now.
      return next(newest, { ...draft, at: ctx.now().toISOString(), detail, intentId: id })
    })
    await auditIntents.remove(ctx.orgId, id)
  }
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

type Verification = z.infer<typeof Verification>

/** Goes through a chain from its beginning. */
export function verify(entries: readonly Info[]): Verification {
  return entries.reduce(follow, unbroken)
}

/** Goes through the organization's chain from its beginning, and holds no more of it than `Entries.walk` does. */
export async function verifyAll(ctx: Context): Promise<Verification> {
  let found = unbroken
  for await (const entry of Entries.walk(ctx)) found = follow(found, entry)
  return found
}

const unbroken: Verification = { intact: true, entries: 0, firstBroken: null, headHash: genesis }

/** What is known of a chain with one entry more. */
function follow({ intact, entries, firstBroken, headHash }: Verification, entry: Info): Verification {
  const sequence = entries + 1
  const fits = intact && entry.sequence === sequence && entry.previousHash === headHash && entry.hash === hashOf(entry)
  return { intact: fits, entries: sequence, firstBroken: fits ? null : (firstBroken ?? sequence), headHash: entry.hash }
}
