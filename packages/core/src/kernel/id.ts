import { randomFillSync } from 'node:crypto'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** A sortable id: prefix, 48 bits of milliseconds, 80 random bits, in Crockford's base 32. */
export function create(prefix: string, now: Date, random: Uint8Array = sixteenBytes()): string {
  let time = now.getTime()
  let head = ''
  for (let i = 0; i < 10; i++) {
    head = alphabet.charAt(time % 32) + head
    time = Math.floor(time / 32)
  }
  const tail = Array.from(random, (byte) => alphabet.charAt(byte % 32)).join('')
  return `${prefix}_${head}${tail}`
}

const pool = new Uint8Array(4096)
let used = pool.length

// In blocks: a system call costs more than an id.
function sixteenBytes(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  return pool.subarray(used, (used += 16))
}
