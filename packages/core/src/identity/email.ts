import { createHash } from 'node:crypto'
import * as z from 'zod'
import { system } from '../actor.ts'
import { append, nobody } from '../audit.ts'
import type { Context } from '../context.ts'
import { isFault } from '../fault.ts'
import { forgetStandings } from './standing.ts'

/** An e-mail address in the one form that we keep: without surrounding space, in lower case. */
export const Email = z
  .string()
  .trim()
  .max(254)
  .transform((text) => text.normalize('NFC').toLowerCase())
  .pipe(z.email('must be an e-mail address'))

/** Where somebody belongs. The id is the hash of their address, so that the address itself is in no key and no event. */
export interface Entry {
  id: string
  orgId: string
  userId: string
}

/** The name of an address in the directory. */
export function hashOf(email: string): string {
  return createHash('sha256').update(email).digest('hex')
}

/** Whose address this is, in any organisation. Not to be told to anyone. */
export async function find({ runtime }: Context, emailHash: string): Promise<Entry | undefined> {
  return await runtime.tables.emails.get(nobody, emailHash)
}

/** Takes an address for a user; false where somebody has it already. From here on they can sign in. */
export async function claim(ctx: Context, email: string, userId: string): Promise<boolean> {
  const { runtime, orgId } = ctx
  const entry: Entry = { id: hashOf(email), orgId, userId }
  try {
    await runtime.tables.emails.insert(nobody, entry)
    return true
  } catch (error) {
    if (!isFault(error, 'conflict')) throw error
    // A registration that is carried out again finds its own.
    const held = await runtime.tables.emails.get(nobody, entry.id)
    return (held?.orgId === orgId && held.userId === userId) || (held !== undefined && (await takeOver(ctx, held, entry)))
  }
}

const unconfirmedMs = 7 * 24 * 3600 * 1000

/** Nobody holds an address for ever that they never confirmed: after a week its owner can have it. The one before is locked out. */
async function takeOver(ctx: Context, held: Entry, entry: Entry): Promise<boolean> {
  const { runtime, now } = ctx
  const user = await runtime.tables.users.get(held.orgId, held.userId)
  if (!user || user.emailVerified || now().getTime() - Date.parse(user.createdAt) < unconfirmedMs) return false
  try {
    await runtime.tables.users.replace(held.orgId, { ...user, isActive: false, version: user.version + 1 }, { version: user.version, emailVerified: false })
    await runtime.tables.emails.replace(nobody, entry, { orgId: held.orgId, userId: held.userId })
    forgetStandings(runtime)
    // Who has the address now, and from where they came, is not for the other organisation to know.
    const theirs: Context = { ...ctx, orgId: held.orgId, actor: system('e-mail') }
    const change = { before: { isActive: user.isActive }, after: { isActive: false } }
    const detail = 'the e-mail address was never confirmed, and somebody else has it now'
    await append(theirs, { action: 'users.deactivate', result: 'success', resourceType: 'user', resourceId: user.id, ...change, detail })
    return true
  } catch (error) {
    // They confirmed it just now, or somebody else was faster.
    if (isFault(error, 'conflict')) return false
    throw error
  }
}
