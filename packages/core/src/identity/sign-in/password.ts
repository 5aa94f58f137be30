import * as z from 'zod'
import type { Context } from '../../effects/context.ts'
import { invalid, raise } from '../../kernel/fault.ts'
import type * as Organization from '../../organization/organization.ts'
import type { Role } from '../../kernel/permission.ts'

/** Normalized (NFKC) before its length is checked. {@link check} rejects weak ones. */
export const Chosen = z
  .string()
  .normalize('NFKC')
  .min(8, 'must have at least 8 characters')
  .max(256, 'must have at most 256 characters')

/** Older passwords were measured before normalization, which makes up to 18 characters of one. */
export const Given = z
  .string()
  .normalize('NFKC')
  .min(1)
  .max(18 * 256)

// Leaked passwords by frequency: https://github.com/zxcvbn-ts/zxcvbn
let common: Promise<ReadonlySet<string>> | undefined

/** Throws Fault `invalid` for a common password, or one made of the e-mail address or a company or product name. */
export async function check(password: string, path: string, known: readonly string[]): Promise<void> {
  const words = ['cloudoptima', ...known.flatMap((word) => [word, word.split('@')[0] ?? word])]
  const refuse = (message: string) => raise(invalid(path, 'This password', message))
  if (words.some((word) => isVariant(password, word)))
    refuse('must not be your e-mail address or a company or product name')
  common ??= import('@zxcvbn-ts/language-common').then(({ dictionary }) => new Set(dictionary['passwords-common']))
  if ((await common).has(normalized(password))) refuse('is among the most common passwords; choose another')
}

function isVariant(password: string, word: string) {
  const letters = (text: string) => normalized(text).replaceAll(/[^\p{L}]/gu, '')
  return normalized(password) === normalized(word) || (letters(word).length >= 4 && letters(password) === letters(word))
}

function normalized(text: string) {
  return text.normalize('NFKC').toLowerCase()
}

let decoy: Promise<string> | undefined

/** Without a hash it returns false after the same time. */
export async function verify({ runtime }: Context, hash: string | undefined, password: string): Promise<boolean> {
  decoy ??= runtime.passwords.hash('decoy')
  const isRight = await runtime.passwords.verify(hash ?? (await decoy), password)
  return hash !== undefined && isRight
}

export async function mayUsePassword({ tables, orgId }: Context, { role }: { role: Role }): Promise<boolean> {
  return allowsPassword(await tables.organizations.get(orgId, orgId), { role })
}

export function allowsPassword(organization: Organization.Info | undefined, { role }: { role: Role }): boolean {
  return role === 'admin' || organization?.signIn?.passwords !== false
}
