import type { Passwords } from '@cloudoptima/core'
import { hash, type Options, parseOptions, verify } from '@node-rs/argon2'

/** OWASP: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html (memory in KiB) */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 } satisfies Options

export const passwords: Passwords = {
  hash: async (password) => await hash(normalized(password), parameters),
  verify: async (hashed, password) => await verify(hashed, normalized(password)),
  needsRehash: (hashed) => {
    const { memoryCost, timeCost, parallelism, outputLen } = parseOptions(hashed)
    const used = { memoryCost, timeCost, parallelism, outputLen }
    return Promise.resolve(
      !hashed.startsWith('$argon2id$') ||
        Object.entries(parameters).some(([name, value]) => used[name as keyof typeof used] !== value),
    )
  },
}

/** Keyboards encode `é` as one or two code points; NFKC makes them equal (NIST SP 800-63B, 3.1.1.2). */
function normalized(password: string) {
  return password.normalize('NFKC')
}
