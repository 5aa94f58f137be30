import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'

type Ctx = Pick<Context, 'orgId' | 'runtime'>

const version = 'v1'
const algorithm = 'aes-256-gcm'
const [ivBytes, tagBytes] = [12, 16]

/** Returns `v1.{wrapped key}.{iv}.{tag}.{ciphertext}` in Base64, for one organization and purpose. */
export async function seal(ctx: Ctx, purpose: string, plaintext: string): Promise<string> {
  const { key, wrapped } = await ctx.runtime.dataKeys.generate(contextOf(ctx, purpose))
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv(algorithm, key, iv, { authTagLength: tagBytes }).setAAD(bound(ctx, purpose, wrapped))
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
  return format(wrapped, iv, cipher.getAuthTag(), ciphertext)
}

/** Throws Fault `unavailable` if the text was changed, or sealed for another organization or purpose. */
export async function open(ctx: Ctx, purpose: string, sealed: string): Promise<string> {
  const [, wrapped = '', ...rest] = sealed.split('.')
  const [iv, tag, ciphertext] = rest.map((part) => Buffer.from(part, 'base64'))
  if (!wrapped || iv?.length !== ivBytes || tag?.length !== tagBytes || !ciphertext) throw unreadable()
  // Base64 has several encodings of the same bytes; accept only the canonical one.
  if (format(wrapped, iv, tag, ciphertext) !== sealed) throw unreadable()
  const key = await ctx.runtime.dataKeys.unwrap(wrapped, contextOf(ctx, purpose))
  const decipher = createDecipheriv(algorithm, key, iv, { authTagLength: tagBytes })
    .setAAD(bound(ctx, purpose, wrapped))
    .setAuthTag(tag)
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8')
  } catch {
    // The authentication tag does not match.
    throw unreadable()
  }
}

export function isSealed(text: string): boolean {
  return text.startsWith(`${version}.`)
}

export function unreadable(): Fault {
  return new Fault(
    'unavailable',
    'The encrypted value cannot be decrypted: it was changed, or encrypted for another purpose. Set it again.',
  )
}

function contextOf({ orgId }: Ctx, purpose: string): Record<string, string> {
  return { organization: orgId, purpose }
}

/** Additional authenticated data. */
function bound({ orgId }: Ctx, purpose: string, wrapped: string): Buffer {
  return Buffer.from(JSON.stringify([version, orgId, purpose, wrapped]))
}

function format(wrapped: string, ...parts: Buffer[]) {
  return [version, wrapped, ...parts.map((part) => part.toString('base64'))].join('.')
}
