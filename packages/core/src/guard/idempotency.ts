import { createHash, randomBytes } from 'node:crypto'
import * as z from 'zod'
import type { Context } from '../effects/context.ts'
import * as Envelope from './envelope.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import * as Id from '../kernel/id.ts'
import { networkOf } from './network.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    idempotency: Table<Info>
  }
}

/** The record of an idempotency key: request, seed of its ids, and answer. */
export interface Info {
  /** `{caller}/{key}` */
  id: string
  /** Hash of the request. A request with a secret is sealed instead: its hash could be brute-forced. */
  fingerprint: string
  status: 'running' | 'done'
  /** Ids of the request derive from it, so a repetition creates the same items. */
  seed: string
  startedAt: string
  /** End of the lease. */
  leaseUntil: string
  /** JSON; sealed if request or answer is secret. */
  answer?: string
  /** Blob key of an answer too large for the record. */
  answerAt?: string
  expiresAt: number
}

export const Key = z.string().regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable characters without spaces')

const keptSeconds = 24 * 3600
// The maximum duration of a request.
const leaseMs = 30_000
const answerBytes = 100_000

export interface Request {
  key: string
  /** Must be equal for each use of the key. */
  request: unknown
  /** Request or answer contains a secret. */
  isSecret?: boolean
  /** Recomputes the answer with the same ids instead of storing it: it holds short-lived values such as upload URLs. */
  isRecomputed?: boolean
}

/**
 * Runs a request once for its key, kept 24 hours; a repetition gets the first answer. Throws Fault `invalid` if the key
 * was used for another request, Fault `conflict` while the first is running. A failed request may be retried.
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
    if (claimed.status === 'running') await release(ctx, claimed)
    throw error
  }
}

/** Ends the lease, unless another process has taken it. */
async function release(ctx: Context, claimed: Info): Promise<void> {
  try {
    await ctx.tables.idempotency.replace(
      ctx.orgId,
      { ...claimed, leaseUntil: claimed.startedAt },
      { leaseUntil: claimed.leaseUntil },
    )
  } catch (error) {
    if (!isFault(error, 'conflict')) throw error
  }
}

/** Deterministic ids for repetitions. */
function withIds(ctx: Context, { seed, startedAt }: Info): Context {
  let count = 0
  const random = (): Uint8Array => createHash('sha256').update(`${seed}/${count++}`).digest().subarray(0, 16)
  return { ...ctx, newId: (prefix) => Id.create(prefix, new Date(startedAt), random()) }
}

async function claim(ctx: Context, given: Request): Promise<Info> {
  const id = `${callerOf(ctx)}/${given.key}`
  const known = await ctx.tables.idempotency.get(ctx.orgId, id)
  const now = ctx.now()
  const kept = known && isKept(ctx, known) ? known : undefined
  if (kept && !(await isSameRequest(ctx, given, kept))) {
    throw new Fault('invalid', 'This Idempotency-Key was used for another request. Choose a new key.', [
      { path: 'Idempotency-Key', message: 'was used for another request' },
    ])
  }
  if (kept?.status === 'done') return kept
  if (kept && kept.leaseUntil > now.toISOString()) {
    throw new Fault(
      'conflict',
      'The first request with this Idempotency-Key is still running. Try again in a moment.',
      [],
      1,
    )
  }
  const leaseUntil = new Date(now.getTime() + leaseMs).toISOString()
  const claimed: Info = { ...(kept ?? (await begun(ctx, given))), id, status: 'running', leaseUntil }
  try {
    await ctx.tables.idempotency.replace(
      ctx.orgId,
      claimed,
      known && { leaseUntil: known.leaseUntil, status: known.status },
    )
    return claimed
  } catch (error) {
    // Another process was faster.
    if (isFault(error, 'conflict')) return await claim(ctx, given)
    throw error
  }
}

/** Anonymous callers are separated by network. The hash has a fixed length and no slashes. */
function callerOf({ actor }: Context): string {
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

const purpose = 'idempotency'

async function isSameRequest(ctx: Context, { request, isSecret }: Request, { fingerprint }: Info): Promise<boolean> {
  const text = JSON.stringify(request)
  // The stored request may have had no secret.
  if (isSecret && !Envelope.isSealed(fingerprint)) return false
  return isSecret
    ? hashOf(await Envelope.open(ctx, purpose, fingerprint)) === hashOf(text)
    : fingerprint === hashOf(text)
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

async function keep(ctx: Context, { isSecret, isRecomputed }: Request, claimed: Info, answer: unknown): Promise<void> {
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

const folder = 'answers/'

/** Depends on the seed, so that the sweep cannot delete a new answer of a reused key. */
function placeOf({ id, seed }: Info): string {
  return `${folder}${hashOf(`${id}/${seed}`)}`
}

/** Deletes large answers of expired keys. */
export async function sweep(ctx: Context): Promise<void> {
  const { tables } = ctx
  const { blobs } = ctx.runtime
  // List answers first: each record is written before its answer.
  const places = new Set((await blobs.list(ctx.orgId, folder)).map(({ key }) => key))
  let from: string | undefined
  if (places.size === 0) return
  do {
    const { items, next } = await tables.idempotency.list(ctx.orgId, { ...(from !== undefined && { from }) })
    for (const record of items) if (isKept(ctx, record)) places.delete(placeOf(record))
    from = next
  } while (from !== undefined)
  for (const place of places) await blobs.remove(ctx.orgId, place)
}

function isKept(ctx: Context, { expiresAt }: Info): boolean {
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
