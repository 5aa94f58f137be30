import * as z from 'zod'
import type { Context } from '../context.ts'
import { Fault } from '../fault.ts'

/** A password as somebody chooses it: any characters, taken as they come. Whether it is good enough is said by {@link check}. */
export const Chosen = z.string().min(8, 'must have at least 8 characters').max(256, 'must have at most 256 characters')

/** A password as somebody gives it to be recognised. */
export const Given = z.string().min(1).max(256)

// https://github.com/zxcvbn-ts/zxcvbn, the list of leaked passwords by how common they are.
const most = 10_000
let common: Promise<ReadonlySet<string>> | undefined

/** Throws Fault `invalid` for one of the 10,000 commonest passwords, and for the e-mail address itself. `path` is the field that complaints name. */
export async function check(password: string, email: string, path: string): Promise<void> {
  const plain = password.toLowerCase()
  const isAddress = plain === email || plain === email.split('@')[0]
  const message = isAddress
    ? 'must not be your e-mail address'
    : (await commonest()).has(plain)
      ? 'is among the most common passwords; choose another'
      : undefined
  if (message !== undefined) throw new Fault('invalid', `This password ${message}.`, [{ path, message }])
}

async function commonest(): Promise<ReadonlySet<string>> {
  common ??= import('@zxcvbn-ts/language-common').then(({ dictionary }) => new Set(dictionary['passwords-common'].slice(0, most)))
  return await common
}

let decoy: Promise<string> | undefined

/** Whether it is the password that the hash was made of. Without a hash it takes the same time and is false. */
export async function verify({ runtime }: Context, hash: string | undefined, password: string): Promise<boolean> {
  decoy ??= runtime.passwords.hash('the password of nobody')
  const isRight = await runtime.passwords.verify(hash ?? (await decoy), password)
  return hash !== undefined && isRight
}
