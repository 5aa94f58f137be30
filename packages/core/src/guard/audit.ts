import { type Context, noOrganization } from '../effects/context.ts'
import { type Outgoing, traceName } from '../kernel/event.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import * as Id from '../kernel/id.ts'
import { type Pending, tableOf } from '../effects/tables.ts'
import { type Around, aroundWrites } from '../effects/relay.ts'
import * as Entries from './audit-entries.ts'
import { type Body, type Draft, Info, next, type Origin, type Subject } from './audit-entry.ts'

export { hashOf, Info, Verification, verify } from './audit-entry.ts'

/** `as` replaces the context if the actor becomes known during the change (sign-in). */
export type Note = (subject: Subject, as?: Context) => void

const Traced = Info.omit({ id: true, sequence: true, at: true, previousHash: true, hash: true })

/**
 * The first write carries a trace until the entry is written; {@link closeTraces} appends the entry of an abandoned
 * trace.
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
  const began = ctx.now()
  const trace = tracing(ctx, () => ({ owner, draft: { action, result: 'unknown', ...subject } }))
  const conclude = async (result: Info['result']) => {
    const draft = { action, result, ...subject, ...trace.intent() }
    // The sweep may have appended the entry of an action that takes so long.
    const isLate = ctx.now().getTime() - began.getTime() > abandonedMs / 2
    if (isOrganization(owner)) await append(owner, draft, isLate ? began : undefined)
    await trace.end()
  }
  let output: Output
  try {
    output = await run(trace.ctx, note)
  } catch (error) {
    const code = error instanceof Fault ? error.code : 'unavailable'
    const isDenied = code === 'forbidden' || code === 'unauthenticated'
    const isRefused = !isDenied && code !== 'unavailable'
    if (isRefused && !(await trace.hasChanged())) await trace.end()
    else await conclude(isDenied ? 'denied' : 'failed')
    throw error
  }
  await conclude('success')
  return output
}

function isOrganization({ orgId }: Context) {
  return orgId !== noOrganization
}

// Attempts are counted before the user is known.
const untraced = new Set(['audit', 'attempts'])

/** The first write for an organization carries the trace. */
function tracing(ctx: Context, now: () => { owner: Context; draft: Draft }) {
  const intentId = Id.create('int', ctx.now())
  const carriers = new Set<Parameters<Around>[0]>()
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
    carriers.add(row)
    try {
      isCarried = await write([...events, trace])
      if (!isCarried) carriers.delete(row)
    } catch (error) {
      // After any other error the write may have happened.
      if (isFault(error, 'conflict') || isFault(error, 'not_found')) carriers.delete(row)
      throw error
    }
    return isCarried
  })
  return {
    ctx: { ...ctx, tables },
    intent: () => (carriers.size > 0 ? { intentId } : {}),
    /** A refused action may have removed the item that it created. */
    async hasChanged() {
      for (const { noun, orgId, id, verb } of carriers)
        if (verb === 'remove' || (await tableOf(ctx.tables, noun).get(orgId, id))) return true
      return false
    },
    async end() {
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
  const { kind: actorKind, id: actorId, address: ipAddress, userAgent } = actor
  return { actorKind, actorId, requestId, ipAddress, userAgent }
}

/** Of an action that `began` long ago only if its trace has no entry yet. */
export async function append(ctx: Context, draft: Draft, began?: Date): Promise<void> {
  const body = { at: ctx.now().toISOString(), ...originOf(ctx), ...draft }
  if (began) await appendOnce(ctx, began, body)
  else await Entries.place(ctx, async () => next(await Entries.end(ctx), body))
}

// Longer than any request.
const abandonedMs = 5 * 60_000
// Larger than any clock difference between processes.
const skewMs = 3600_000

export async function closeTraces(ctx: Context): Promise<void> {
  for await (const row of ctx.runtime.outbox.pending(abandonedSince(ctx), ctx.orgId)) await closeTracesOf(ctx, row)
}

/** The row may belong to another organization. */
export async function closeTracesOf(ctx: Context, { noun, orgId, id, events }: Pending): Promise<void> {
  for (const trace of events) {
    if (trace.name !== traceName || trace.at > abandonedSince(ctx)) continue
    const draft = Traced.parse(trace.data)
    const detail = [draft.detail, `began at ${trace.at}, result unknown`].filter((part) => part !== undefined)
    // The original actor, not the current one.
    const body = { ...draft, at: ctx.now().toISOString(), detail: detail.join('; '), intentId: trace.id }
    await appendOnce({ ...ctx, orgId: trace.orgId }, new Date(trace.at), body)
    await tableOf(ctx.tables, noun).acknowledge(orgId, id, [trace.id])
  }
}

function abandonedSince(ctx: Context) {
  return new Date(ctx.now().getTime() - abandonedMs).toISOString()
}

/** Unless another process has done so since the action began. */
async function appendOnce(ctx: Context, began: Date, body: Body) {
  await Entries.place(ctx, async () => {
    let newest: Info | undefined
    for await (const entry of Entries.walk(ctx, { descending: true })) {
      if (body.intentId !== undefined && entry.intentId === body.intentId) return undefined
      newest ??= entry
      if (Date.parse(entry.at) < began.getTime() - skewMs) break
    }
    return next(newest, body)
  })
}
