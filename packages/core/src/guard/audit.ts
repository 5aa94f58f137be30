import { type Context, noOrganization } from '../effects/context.ts'
import { type Outgoing, traceName } from '../kernel/event.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import * as Id from '../kernel/id.ts'
import { type Pending, tableOf } from '../effects/tables.ts'
import { aroundWrites } from '../effects/around.ts'
import * as Entries from './audit-entries.ts'
import { type Draft, Info, next, type Origin, type Subject } from './audit-entry.ts'

export { hashOf, Info, Verification, verify } from './audit-entry.ts'
export { verifyAll } from './audit-entries.ts'

/** Describes the changed subject. `as` replaces the context if the actor becomes known during the change (sign-in). */
export type Note = (subject: Subject, as?: Context) => void

/** The data of a trace. */
const Traced = Info.omit({ id: true, sequence: true, at: true, previousHash: true, hash: true })

/**
 * Runs an action and appends its audit entry. The first write carries a trace in the same row until the entry is
 * written; {@link settle} appends the entry of an abandoned trace.
 */
export async function around<Output>(
  ctx: Context,
  action: string,
  run: (ctx: Context, note: Note) => Promise<Output>,
  about: Subject = {},
): Promise<Output> {
  let subject = about
  let owner = ctx
  const note: Note = (given, as = owner) => {
    subject = { ...subject, ...given }
    owner = as
  }
  const trace = tracing(ctx, () => ({ owner, draft: { action, result: 'unknown', ...subject } }))
  const conclude = async (result: Info['result']): Promise<void> => {
    if (isOrganization(owner)) await append(owner, { action, result, ...subject, ...trace.intent() })
    await trace.end()
  }
  let output: Output
  try {
    output = await run(trace.ctx, note)
  } catch (error) {
    if (isRefusal(error)) await trace.end()
    else await conclude(isFault(error, 'forbidden') || isFault(error, 'unauthenticated') ? 'denied' : 'failed')
    throw error
  }
  await conclude('success')
  return output
}

/** Refused input changed nothing and leaves no entry. Denials and possibly partial changes do. */
function isRefusal(error: unknown): boolean {
  return error instanceof Fault && !['unavailable', 'forbidden', 'unauthenticated'].includes(error.code)
}

function isOrganization({ orgId }: Context): boolean {
  return orgId !== noOrganization
}

// Attempts are counted before the user is known.
const untraced = new Set(['audit', 'attempts'])

/** A context whose first write for an organization carries the trace. */
function tracing(ctx: Context, now: () => { owner: Context; draft: Draft }) {
  const intentId = Id.create('int', ctx.now())
  const carriers: Omit<Pending, 'events'>[] = []
  let isCarried = false
  const tables = aroundWrites(ctx.tables, async (row, events, write) => {
    const { owner, draft } = now()
    if (isCarried || untraced.has(row.noun) || !isOrganization(owner)) return await write(events)
    const trace: Outgoing = {
      id: intentId,
      name: traceName,
      orgId: owner.orgId,
      at: ctx.now().toISOString(),
      data: { ...draft, ...originOf(owner), intentId },
    }
    carriers.push(row)
    try {
      isCarried = await write([...events, trace])
    } catch (error) {
      // After any other error the write may have happened.
      if (isFault(error, 'conflict') || isFault(error, 'not_found')) carriers.splice(carriers.indexOf(row), 1)
      throw error
    }
    return isCarried
  })
  return {
    ctx: { ...ctx, tables },
    intent: () => (carriers.length > 0 ? { intentId } : {}),
    async end(): Promise<void> {
      isCarried = true
      try {
        for (const { noun, orgId, id } of carriers) await tableOf(ctx.tables, noun).acknowledge(orgId, id, [intentId])
      } catch (error) {
        ctx.log.error('a trace stays pending until the sweep', { error })
      }
    },
  }
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

export async function append(ctx: Context, draft: Draft): Promise<void> {
  const at = ctx.now().toISOString()
  await Entries.place(ctx, async () => next(await Entries.end(ctx), { at, ...originOf(ctx), ...draft }))
}

// Longer than any request.
const abandonedMs = 5 * 60_000
// Larger than any clock difference between processes.
const skewMs = 3600_000

/** Appends the entries of the organization's abandoned traces, each once. */
export async function settle(ctx: Context): Promise<void> {
  const limit = new Date(ctx.now().getTime() - abandonedMs).toISOString()
  for await (const row of ctx.runtime.outbox.pending(limit, ctx.orgId)) await settleTraces(ctx, row)
}

/** Appends the entries of one row's abandoned traces; the row may belong to another organization. */
export async function settleTraces(ctx: Context, { noun, orgId, id, events }: Pending): Promise<void> {
  const limit = new Date(ctx.now().getTime() - abandonedMs).toISOString()
  for (const trace of events.filter(({ name, at }) => name === traceName && at <= limit)) {
    await settleTrace({ ...ctx, orgId: trace.orgId }, trace)
    await tableOf(ctx.tables, noun).acknowledge(orgId, id, [trace.id])
  }
}

async function settleTrace(ctx: Context, { id, at, data }: Outgoing): Promise<void> {
  const draft = Traced.parse(data)
  const detail = [draft.detail, `began at ${at}, result unknown`].filter((part) => part !== undefined).join('; ')
  // The original actor, not the current one.
  const body = { ...draft, at: ctx.now().toISOString(), detail, intentId: id }
  await Entries.place(ctx, async () => {
    let newest: Info | undefined
    // The original or another process may have appended the entry, but not before the action began.
    for await (const entry of Entries.walk(ctx, { descending: true })) {
      if (entry.intentId === id) return undefined
      newest ??= entry
      if (Date.parse(entry.at) < Date.parse(at) - skewMs) break
    }
    return next(newest, body)
  })
}
