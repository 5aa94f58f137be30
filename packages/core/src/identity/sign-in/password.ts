import * as z from 'zod'
import type { Context } from '../../effects/context.ts'
import { Fault } from '../../kernel/fault.ts'

/**
 * A password as somebody chooses it: any characters, in the one form that is hashed, so that what is measured here is what is kept. Whether it is good enough is
 * said by {@link check}.
 */
export const Chosen = z
  .string()
  .normalize('NFKC')
  .min(8, 'must have at least 8 characters')
  .max(256, 'must have at most 256 characters')

/** A password as somebody gives it to be recognised. Older ones were measured before they were normalised, which makes up to 18 characters of one. */
export const Given = z
  .string()
  .normalize('NFKC')
  .min(1)
  .max(18 * 256)

// https://github.com/zxcvbn-ts/zxcvbn, the list of leaked passwords by how common they are.
let common: Promise<ReadonlySet<string>> | undefined

/**
 * Throws Fault `invalid` for a password that is among the most common, or that is nothing but a word that others know: the e-mail address, the company's
 * name, our own. `path` is the field that complaints name.
 */
export async function check(password: string, path: string, known: readonly string[]): Promise<void> {
  const words = ['cloudoptima', ...known.flatMap((word) => [word, word.split('@')[0] ?? word])]
  const isCommon = (await commonPasswords()).has(normalized(password))
  const ofWord = words.some((word) => isVariant(password, word))
    ? 'must not be your e-mail address or a name that others know'
    : undefined
  const message = ofWord ?? (isCommon ? 'is among the most common passwords; choose another' : undefined)
  if (message !== undefined) throw new Fault('invalid', `This password ${message}.`, [{ path, message }])
}

/** Whether a password is a word and at most some digits and signs around it. */
function isVariant(password: string, word: string): boolean {
  const letters = (text: string) => normalized(text).replaceAll(/[^\p{L}]/gu, '')
  return normalized(password) === normalized(word) || (letters(word).length >= 4 && letters(password) === letters(word))
}

/** As it is hashed, whatever the keyboard: full-width letters are letters. */
function normalized(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

async function commonPasswords(): Promise<ReadonlySet<string>> {
  common ??= import('@zxcvbn-ts/language-common').then(({ dictionary }) => new Set(dictionary['passwords-common']))
  return await common
}

let decoy: Promise<string> | undefined

/** Whether it is the password that the hash was made of. Without a hash it takes the same time and is false. */
export async function verify({ runtime }: Context, hash: string | undefined, password: string): Promise<boolean> {
  decoy ??= runtime.passwords.hash('the password of nobody')
  const isRight = await runtime.passwords.verify(hash ?? (await decoy), password)
  return hash !== undefined && isRight
}
