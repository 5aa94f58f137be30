import { randomBytes } from 'node:crypto'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** An id that sorts by the time it was made: prefix, 48 bits of milliseconds, 80 random bits, in Crockford's base 32. */
export function create(prefix: string, now: Date, random: Uint8Array = randomBytes(16)): string {
  let time = now.getTime()
  let head = ''
  for (let i = 0; i < 10; i++) {
    head = alphabet.charAt(time % 32) + head
    time = Math.floor(time / 32)
  }
  const tail = Array.from(random, (byte) => alphabet.charAt(byte % 32)).join('')
  return `${prefix}_${head}${tail}`
}
