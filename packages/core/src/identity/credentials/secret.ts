import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import * as z from 'zod'

/** Known to secret scanners. Only hashes of the tokens are stored. */
export const prefixes = {
  refresh: 'cor',
  key: 'co',
  mailed: 'com',
  invitation: 'coi',
  external: 'cox',
  approval: 'coa',
} as const
export type Kind = keyof typeof prefixes

/** A public locator (organization, item) and a secret value of 256 random bits. */
export interface Secret {
  orgId: string
  id: string
  value: string
}

export function random(): string {
  return randomBytes(32).toString('base64url')
}

// Ids become parts of keys.
const Name = z.string().regex(/^[\w-]{1,80}$/)
const Locator = z.tuple([Name, Name])

export function write(kind: Kind, { orgId, id, value }: Secret): string {
  return `${prefixes[kind]}_${Buffer.from(JSON.stringify([orgId, id])).toString('base64url')}.${value}`
}

export function read(kind: Kind, token: string): Secret | undefined {
  const [, locator, value] = new RegExp(`^${prefixes[kind]}_([\\w-]{1,400})\\.([\\w-]{43})$`).exec(token) ?? []
  if (locator === undefined || value === undefined) return undefined
  try {
    const parts = Locator.safeParse(JSON.parse(Buffer.from(locator, 'base64url').toString()))
    return parts.success ? { orgId: parts.data[0], id: parts.data[1], value } : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** 256 random bits need no salt and no slow hash. */
export function hashOf(value: string): string {
  return hash('sha256', value, 'base64url')
}

export function isSame(a: string, b: string | undefined): boolean {
  if (b === undefined) return false
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
