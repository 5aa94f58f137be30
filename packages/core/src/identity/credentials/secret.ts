import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** Prefixes of our opaque tokens, known to secret scanners. Only hashes of the tokens are stored. */
export const prefixes = { refresh: 'cor', key: 'co', mailed: 'com', invitation: 'coi', external: 'cox' } as const
export type Kind = keyof typeof prefixes

/** A token: the public locator (organization, item) and a secret value of 256 random bits. */
export interface Secret {
  orgId: string
  id: string
  value: string
}

/** 256 random bits. */
export function random(): string {
  return randomBytes(32).toString('base64url')
}

/** The full token, shown to its owner once. */
export function write(kind: Kind, { orgId, id, value }: Secret): string {
  return `${prefixes[kind]}_${Buffer.from(JSON.stringify([orgId, id])).toString('base64url')}.${value}`
}

/** Parses a token of this kind without verifying it; undefined if malformed. */
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

/** Restricts ids to our alphabet: they become parts of keys. */
function isName(text: unknown): text is string {
  return typeof text === 'string' && /^[\w-]{1,80}$/.test(text)
}

/** Hash of a secret value; 256 random bits need no salt and no slow hash. */
export function hashOf(value: string): string {
  return createHash('sha256').update(value).digest('base64url')
}

/** Constant-time comparison. */
export function isSame(a: string, b: string | undefined): boolean {
  if (b === undefined) return false
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
