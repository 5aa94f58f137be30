import { createHash } from 'node:crypto'
import * as z from 'zod'
import { type Context, noOrganization } from '../../effects/context.ts'
import type { Outgoing } from '../../kernel/event.ts'
import { Fault, isFault } from '../../kernel/fault.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    /** The organization and user of each e-mail address; under `noOrganization`. */
    emails: Table<Entry>
  }
}

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

/** Whose address this is, in any organization. Not to be told to anyone. */
export async function find({ tables }: Context, emailHash: string): Promise<Entry | undefined> {
  return await tables.emails.get(noOrganization, emailHash)
}

/** Takes an address for a user: from here on they can sign in. Throws Fault `conflict` where somebody has it already, whoever that is. */
export async function claim(
  { tables, orgId }: Context,
  email: string,
  userId: string,
  events: readonly Outgoing[] = [],
): Promise<void> {
  const entry: Entry = { id: hashOf(email), orgId, userId }
  try {
    await tables.emails.insert(noOrganization, entry, events)
  } catch (error) {
    if (!isFault(error, 'conflict')) throw error
    // A registration that is carried out again finds its own.
    if (!isOf(await tables.emails.get(noOrganization, entry.id), entry)) throw taken()
  }
}

/** Whether an address is this user's. */
export function isOf(entry: Entry | undefined, { orgId, userId }: Pick<Entry, 'orgId' | 'userId'>): boolean {
  return entry?.orgId === orgId && entry.userId === userId
}

/** What is said of an address that somebody has; where, is not to be told. */
export function taken(message = 'This e-mail address has an account already. Sign in, or reset its password.'): Fault {
  return new Fault('conflict', message, [{ path: 'email', message: 'has an account already' }])
}
