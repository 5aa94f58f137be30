import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** Tokens that we make and keep only the hash of: what they look like, by kind. The prefix lets scanners of leaked secrets know them. */
export const prefixes = { refresh: 'cor', key: 'co', mailed: 'com', invitation: 'coi', external: 'cox' } as const
export type Kind = keyof typeof prefixes

/** A token in parts: the item that it belongs to, which is no secret, and 256 random bits, which are. */
export interface Secret {
  orgId: string
  id: string
  value: string
}

/** 256 random bits. */
export function random(): string {
  return randomBytes(32).toString('base64url')
}

/** The token as its owner gets it, once. */
export function write(kind: Kind, { orgId, id, value }: Secret): string {
  return `${prefixes[kind]}_${Buffer.from(JSON.stringify([orgId, id])).toString('base64url')}.${value}`
}

/** The parts of a token; undefined where it is none of this kind. Nothing of it is proven yet. */
export function read(kind: Kind, token: string): Secret | undefined {
  const [, locator, value] = new RegExp(`^${prefixes[kind]}_([\\w-]{1,400})\\.([\\w-]{43})$`).exec(token) ?? []
  if (locator === undefined || value === undefined) return undefined
  try {
    const parts: unknown = JSON.parse(Buffer.from(locator, 'base64url').toString())
    if (!Array.isArray(parts) || parts.length !== 2) return undefined
    const [orgId, id]: unknown[] = parts
    return isName(orgId) && isName(id) ? { orgId, id, value } : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Ids are ours: anything else must not become part of a key. */
function isName(text: unknown): text is string {
  return typeof text === 'string' && /^[\w-]{1,80}$/.test(text)
}

/** What is kept of a secret value. It has 256 random bits, so that no salt and no slowness is needed. */
export function hashOf(value: string): string {
  return createHash('sha256').update(value).digest('base64url')
}

/** Whether two hashes are the same, in a time that does not tell where they differ. */
export function isSame(a: string, b: string | undefined): boolean {
  if (b === undefined) return false
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
