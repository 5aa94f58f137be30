import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'

type Ctx = Pick<Context, 'orgId' | 'runtime'>

const version = 'v1'
const algorithm = 'aes-256-gcm'
const [ivBytes, tagBytes] = [12, 16]

/**
 * Encrypts a text of the organization for one purpose, such as the id of the cloud account whose credentials it is: AES-256-GCM under a key of its own, which
 * is kept beside it, wrapped. The text that comes out is `v1.{wrapped key}.{iv}.{tag}.{ciphertext}`, in Base64.
 */
export async function seal(ctx: Ctx, purpose: string, plaintext: string): Promise<string> {
  const { key, wrapped } = await ctx.runtime.dataKeys.generate(contextOf(ctx, purpose))
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv(algorithm, key, iv, { authTagLength: tagBytes }).setAAD(bound(ctx, purpose, wrapped))
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
  return format(wrapped, iv, cipher.getAuthTag(), ciphertext)
}

/** The text that was sealed by this organization for this purpose. Throws Fault `unavailable` when it is anything else, or was changed. */
export async function open(ctx: Ctx, purpose: string, sealed: string): Promise<string> {
  const [, wrapped = '', ...rest] = sealed.split('.')
  const [iv, tag, ciphertext] = rest.map((part) => Buffer.from(part, 'base64'))
  if (!wrapped || iv?.length !== ivBytes || tag?.length !== tagBytes || !ciphertext) throw unreadable()
  // Base64 can write the same bytes in several ways; a seal is written in one.
  if (format(wrapped, iv, tag, ciphertext) !== sealed) throw unreadable()
  const key = await ctx.runtime.dataKeys.unwrap(wrapped, contextOf(ctx, purpose))
  const decipher = createDecipheriv(algorithm, key, iv, { authTagLength: tagBytes })
    .setAAD(bound(ctx, purpose, wrapped))
    .setAuthTag(tag)
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8')
  } catch {
    // The tag does not fit, and the cipher says no more than that.
    throw unreadable()
  }
}

/** Whether a text looks like one that was sealed; only opening it tells whether it was, and for whom. */
export function isSealed(text: string): boolean {
  return text.startsWith(`${version}.`)
}

/** What is answered to everything encrypted that is not for this place. */
export function unreadable(): Fault {
  return new Fault(
    'unavailable',
    'What is kept encrypted here cannot be read: it was not encrypted for this place, or was changed.',
  )
}

function contextOf({ orgId }: Ctx, purpose: string): Record<string, string> {
  return { organization: orgId, purpose }
}

/** Whoever holds a data key still cannot move a ciphertext to another organization, purpose or wrapped key. */
function bound({ orgId }: Ctx, purpose: string, wrapped: string): Buffer {
  return Buffer.from(JSON.stringify([version, orgId, purpose, wrapped]))
}

function format(wrapped: string, ...parts: Buffer[]): string {
  return [version, wrapped, ...parts.map((part) => part.toString('base64'))].join('.')
}
