import type { Passwords } from '@cloudoptima/core'
import { hash, type Options, parseOptions, verify } from '@node-rs/argon2'

/** OWASP's choice for argon2id (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html), KiB and passes; argon2id is the library's default. */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 } satisfies Options

/** Argon2id, in threads of libuv's pool. */
export const passwords: Passwords = {
  hash: async (password) => await hash(typed(password), parameters),
  verify: async (hashed, password) => await verify(hashed, typed(password)),
  needsRehash: (hashed) => {
    const { memoryCost, timeCost, parallelism, outputLen } = parseOptions(hashed)
    const made = { memoryCost, timeCost, parallelism, outputLen }
    return Promise.resolve(
      !hashed.startsWith('$argon2id$') ||
        Object.entries(parameters).some(([name, value]) => made[name as keyof typeof made] !== value),
    )
  },
}

/** One keyboard makes `é` of one character, another of two: the password is the same (NIST SP 800-63B, 3.1.1.2). */
function typed(password: string): string {
  return password.normalize('NFKC')
}
