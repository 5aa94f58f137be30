import { randomFillSync } from 'node:crypto'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** Sortable: prefix, 48 bits of milliseconds, 80 random bits, in Crockford's base 32. */
export function create(prefix: string, now: Date, random: Uint8Array = sixteenBytes()): string {
  let id = `${prefix}_${headOf(now.getTime())}`
  for (const byte of random) id += alphabet.charAt(byte % 32)
  return id
}

/** In milliseconds; NaN if it is not an id of `create`. */
export function timeOf(id: string): number {
  const digits = /_([0-9a-hjkmnp-tv-z]{10})/.exec(id)?.[1]
  return digits === undefined ? NaN : Array.from(digits).reduce((ms, digit) => ms * 32 + alphabet.indexOf(digit), 0)
}

let last = { ms: 0, head: '' }

/** Remembered, because many ids of a process have the same millisecond. */
function headOf(ms: number) {
  if (last.ms === ms) return last.head
  let head = ''
  for (let i = 0, time = ms; i < 10; i++, time = Math.floor(time / 32)) head = alphabet.charAt(time % 32) + head
  last = { ms, head }
  return head
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
