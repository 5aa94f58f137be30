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

/** What a caller's key stands for: the request it came with, the ids of what that request makes, and its answer once there is one. */
export interface Info {
  /** `{caller}/{key}` */
  id: string
  /** The request's hash; of one that holds a secret, the request itself, sealed: a hash of it could be guessed at. */
  fingerprint: string
  status: 'running' | 'done'
  /** The ids that the request makes follow from it, so that whoever carries it out again makes the same things. */
  seed: string
  startedAt: string
  /** Until then nobody else may carry it out. */
  leaseUntil: string
  /** JSON; sealed where the request or its answer holds a secret. */
  answer?: string
  /** Where the answer is when it is too large for the record. */
  answerAt?: string
  expiresAt: number
}

/** A key as it comes with a request. */
export const Key = z.string().regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable characters without spaces')

const keptSeconds = 24 * 3600
// As long as a request may take.
const leaseMs = 30_000
const answerBytes = 100_000

export interface Request {
  key: string
  /** What must be the same whenever the key comes again. */
  request: unknown
  /** The request or its answer holds what must not be kept in the clear. */
  isSecret?: boolean
  /** The answer is made again each time, under the same ids, instead of being kept: it holds what does not last, such as upload URLs. */
  isRecomputed?: boolean
}

/**
 * Carries a request out once for its key, kept 24 hours: the same request again is answered as the first was. Throws Fault `invalid` when the key came with another
 * request, Fault `conflict` while the first is still being carried out. A request that failed may be tried again with its key.
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

/** Lets the key be tried again, unless somebody else does so already. */
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

/** Ids that are the same whenever the request is carried out. */
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
    throw new Fault('invalid', 'This Idempotency-Key came with another request before. Choose a new key.', [
      { path: 'Idempotency-Key', message: 'was used for another request' },
    ])
  }
  if (kept?.status === 'done') return kept
  if (kept && kept.leaseUntil > now.toISOString()) {
    throw new Fault(
      'conflict',
      'The first request with this Idempotency-Key is still being carried out. Ask again in a moment.',
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
    // Somebody else with the key was faster: what they do holds.
    if (isFault(error, 'conflict')) return await claim(ctx, given)
    throw error
  }
}

/** Strangers are all called the same: each network has its own, so that none spends the keys of another. The hash is of one length and without slashes. */
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
  // The key may have come with a request that holds no secret, and so has a hash here.
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

/** Another one each time that a key begins anew, so that nothing is cleared away which just came. */
function placeOf({ id, seed }: Info): string {
  return `${folder}${hashOf(`${id}/${seed}`)}`
}

/** Removes large answers whose keys are forgotten. */
export async function sweep(ctx: Context): Promise<void> {
  const { tables } = ctx
  const { blobs } = ctx.runtime
  // Before the records: every answer has had one from before it was written.
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
