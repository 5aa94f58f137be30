import { createHash, hash, randomBytes } from 'node:crypto'
import * as z from 'zod'
import { backoff } from '../effects/concurrency.ts'
import type { Context } from '../effects/context.ts'
import * as Envelope from './envelope.ts'
import { Fault, invalid, isWritten } from '../kernel/fault.ts'
import * as Id from '../kernel/id.ts'
import { networkOf } from './network.ts'
import { walk } from '../effects/tables.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    idempotency: Table<Info>
  }
}

/** Its id is `{caller}/{key}`. */
export interface Info {
  id: string
  /** A hash, or sealed: the hash of a secret could be brute-forced. */
  fingerprint: string
  status: 'running' | 'done'
  /** Ids of the request derive from it, so a repetition creates the same items. */
  seed: string
  startedAt: string
  leaseUntil: string
  /** JSON; sealed if request or answer is secret. */
  answer?: string
  /** Blob key of a large answer. */
  answerAt?: string
  expiresAt: number
}

export const Key = z.string().regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable characters without spaces')

const keptSeconds = 24 * 3600
// The maximum duration of a request.
const leaseMs = 30_000
const answerBytes = 100_000
const purpose = 'idempotency'
const folder = 'answers/'

export interface Request {
  key: string
  request: unknown
  isSecret?: boolean
  /** Its answer holds short-lived values such as upload URLs: a repetition makes it again, with the same ids. */
  isRecomputed?: boolean
}

/**
 * Kept 24 hours, unless the request failed. Throws Fault `invalid` for another request, Fault `conflict` while the
 * first one runs.
 */
export async function once<Answer>(
  ctx: Context,
  given: Request,
  run: (ctx: Context) => Promise<Answer>,
): Promise<Answer> {
  const claimed = await claim(ctx, given)
  if (claimed.status === 'done' && !given.isRecomputed) return await recall<Answer>(ctx, given, claimed)
  try {
    const answer = await run(withIds(ctx, claimed))
    if (claimed.status === 'running') await keep(ctx, given, claimed, answer)
    return answer
  } catch (error) {
    // Ends the lease, unless another process has taken it.
    if (claimed.status === 'running') await isReplaced(ctx, { ...claimed, leaseUntil: claimed.startedAt }, claimed)
    throw error
  }
}

function withIds(ctx: Context, { seed, startedAt }: Info): Context {
  let count = 0
  const random = (): Uint8Array => createHash('sha256').update(`${seed}/${count++}`).digest().subarray(0, 16)
  return { ...ctx, newId: (prefix) => Id.create(prefix, new Date(startedAt), random()) }
}

const attempts = 5

async function claim(ctx: Context, given: Request): Promise<Info> {
  const id = `${callerOf(ctx)}/${given.key}`
  for (let attempt = 0; attempt < attempts; attempt++) {
    const known = await ctx.tables.idempotency.get(ctx.orgId, id)
    const kept = known && isKept(ctx, known) ? known : undefined
    if (kept && !(await isSameRequest(ctx, given, kept)))
      throw invalid('Idempotency-Key', 'This Idempotency-Key', 'was used for another request', 'Choose a new key.')
    if (kept?.status === 'done') return kept
    const now = ctx.now()
    if (kept && kept.leaseUntil > now.toISOString()) break
    const leaseUntil = new Date(now.getTime() + leaseMs).toISOString()
    const claimed: Info = { ...(kept ?? (await begun(ctx, given))), id, status: 'running', leaseUntil }
    if (await isReplaced(ctx, claimed, known)) return claimed
    await backoff(attempt)
  }
  const message = 'The first request with this Idempotency-Key is still running. Try again in a moment.'
  throw new Fault('conflict', message, [], 1)
}

async function isReplaced(ctx: Context, record: Info, known: Info | undefined) {
  const where = known && { leaseUntil: known.leaseUntil, status: known.status }
  return await isWritten(ctx.tables.idempotency.replace(ctx.orgId, record, where))
}

/** Anonymous callers are separated by network. */
function callerOf({ actor }: Context) {
  return actor.kind === 'anonymous' ? `anonymous-${hashOf(networkOf(actor.address))}` : actor.id
}

async function begun(
  ctx: Context,
  { request, isSecret }: Request,
): Promise<Pick<Info, 'fingerprint' | 'seed' | 'startedAt' | 'expiresAt'>> {
  const text = JSON.stringify(request)
  const now = ctx.now()
  return {
    fingerprint: isSecret ? await Envelope.seal(ctx, purpose, text) : hashOf(text),
    seed: randomBytes(16).toString('hex'),
    startedAt: now.toISOString(),
    expiresAt: Math.ceil(now.getTime() / 1000) + keptSeconds,
  }
}

async function isSameRequest(ctx: Context, { request, isSecret }: Request, { fingerprint }: Info) {
  // The stored request may have had no secret.
  if (isSecret && !Envelope.isSealed(fingerprint)) return false
  const known = isSecret ? hashOf(await Envelope.open(ctx, purpose, fingerprint)) : fingerprint
  return known === hashOf(JSON.stringify(request))
}

function hashOf(text: string) {
  return hash('sha256', text)
}

async function keep(ctx: Context, { isSecret, isRecomputed }: Request, claimed: Info, answer: unknown) {
  const done: Info = { ...claimed, status: 'done' }
  const text = JSON.stringify(isRecomputed ? null : (answer ?? null))
  const written = isSecret ? await Envelope.seal(ctx, purpose, text) : text
  if (written.length <= answerBytes) done.answer = written
  else {
    done.answerAt = placeOf(claimed)
    await ctx.runtime.blobs.put(ctx.orgId, done.answerAt, Buffer.from(written))
  }
  await ctx.tables.idempotency.put(ctx.orgId, done)
}

/** With the seed, so that the sweep cannot delete a new answer of a reused key. */
function placeOf({ id, seed }: Info) {
  return `${folder}${hashOf(`${id}/${seed}`)}`
}

export async function sweep(ctx: Context): Promise<void> {
  const { idempotency } = ctx.tables
  const { blobs } = ctx.runtime
  // List answers first: each record is written before its answer.
  const places = new Set((await blobs.list(ctx.orgId, folder)).map(({ key }) => key))
  if (places.size === 0) return
  for await (const record of walk((page) => idempotency.list(ctx.orgId, page)))
    if (isKept(ctx, record)) places.delete(placeOf(record))
  for (const place of places) await blobs.remove(ctx.orgId, place)
}

function isKept(ctx: Context, { expiresAt }: Info) {
  return expiresAt * 1000 > ctx.now().getTime()
}

async function recall<Answer>(
  ctx: Context,
  { isSecret }: Request,
  { answer = 'null', answerAt }: Info,
): Promise<Answer> {
  const written =
    answerAt === undefined ? answer : Buffer.from(await ctx.runtime.blobs.get(ctx.orgId, answerAt)).toString()
  return JSON.parse(isSecret ? await Envelope.open(ctx, purpose, written) : written) as Answer
}
