import { hash } from 'node:crypto'
import * as z from 'zod'
import { type Context, noOrganization } from '../../effects/context.ts'
import type { Outgoing } from '../../kernel/event.ts'
import { Fault, onConflict } from '../../kernel/fault.ts'

declare module '../../effects/tables.ts' {
  interface Tables {
    emails: Table<Entry>
  }
}

export const Email = z
  .string()
  .trim()
  .max(254)
  .meta({ format: 'email' })
  .transform((text) => text.normalize('NFC').toLowerCase())
  .pipe(z.email('must be an e-mail address'))

/** The id is the hash of the address, which therefore appears in no key or event. */
export interface Entry {
  id: string
  orgId: string
  userId: string
}

export function hashOf(email: string): string {
  return hash('sha256', email)
}

export async function find({ tables }: Context, emailHash: string): Promise<Entry | undefined> {
  return await tables.emails.get(noOrganization, emailHash)
}

export async function claim(
  { tables, orgId }: Context,
  email: string,
  userId: string,
  events: readonly Outgoing[] = [],
): Promise<void> {
  const entry: Entry = { id: hashOf(email), orgId, userId }
  await onConflict(tables.emails.insert(noOrganization, entry, events), async () => {
    // A repeated registration finds its own entry.
    if (!isOf(await tables.emails.get(noOrganization, entry.id), entry)) throw taken()
  })
}

export function isOf(entry: Entry | undefined, { orgId, userId }: Pick<Entry, 'orgId' | 'userId'>): boolean {
  return entry?.orgId === orgId && entry.userId === userId
}

export function taken(message = 'This e-mail address already has an account. Sign in, or reset the password.'): Fault {
  return new Fault('conflict', message, [{ path: 'email', message: 'already has an account' }])
}

const entra =
  /^https:\/\/login\.microsoftonline\.com\/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\/v2\.0$/i

// xms_edov: https://learn.microsoft.com/entra/identity-platform/optional-claims-reference
export function isEmailVerified(issuer: string, claims: Readonly<Record<string, unknown>>): boolean {
  const said = claims['email_verified']
  if (said !== undefined) return said === true || said === 'true'
  return entra.test(issuer) && [true, 'true', 1, '1'].some((yes) => yes === claims['xms_edov'])
}

/** Advice for an issuer that does not assert verified addresses. */
export function verificationHint(issuer: string): string {
  return entra.test(issuer) ? ` ${entraNeeds}` : ''
}

export const entraNeeds =
  'For Microsoft Entra, add the optional claims email and xms_edov to the app registration (Token configuration ' +
  'or manifest).'
