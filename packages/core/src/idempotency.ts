import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { Context } from './context.ts'
import { Fault } from './fault.ts'

/** What a caller's key stands for: the request it came with, and the id chosen for what that request makes. */
export interface Info {
  /** The caller's key. */
  id: string
  fingerprint: string
  target: string
  at: string
}

/** A key as it comes with a request. */
export const Key = z.string().regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable characters without spaces')

const keptMs = 24 * 3600 * 1000

/**
 * The id to make the thing under. It is chosen and written down before anything is made, so whoever comes again with the key, at once or after a crash,
 * makes the same thing. Kept 24 hours. Throws Fault `invalid` when the key came with another request.
 */
export async function claim(ctx: Context, key: string, request: unknown, target: string): Promise<string> {
  const at = ctx.now().toISOString()
  const fingerprint = createHash('sha256').update(JSON.stringify(request)).digest('hex')
  const mine: Info = { id: key, fingerprint, target, at }
  const known = await ctx.runtime.tables.idempotency.get(ctx.orgId, key)
  if (known && ctx.now().getTime() - Date.parse(known.at) < keptMs) {
    if (known.fingerprint === fingerprint) return known.target
    throw new Fault('invalid', 'This Idempotency-Key came with another request before. Choose a new key.', [
      { path: 'idempotencyKey', message: 'was used for another request' },
    ])
  }
  try {
    await ctx.runtime.tables.idempotency.replace(ctx.orgId, mine, known && { at: known.at })
    return target
  } catch (error) {
    // Somebody else with the key was faster: what they chose holds.
    if (error instanceof Fault && error.code === 'conflict') return await claim(ctx, key, request, target)
    throw error
  }
}
