/** A 32-bit hash of text: FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/). */
export function hash(text: string): number {
  let state = 0x811c9dc5
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193)
  return mix(state)
}

/** Mixes two 32-bit numbers with the finalizer of MurmurHash3. Neighbouring inputs give unrelated results. */
export function mix(a: number, b = 0): number {
  let state = (a ^ Math.imul(b + 0x9e3779b9, 0x85ebca6b)) >>> 0
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35)
  return (state ^ (state >>> 16)) >>> 0
}

/** Uniform over 0 (inclusive) to 1 (exclusive). */
export function uniform(key: number): number {
  return key / 4294967296
}

/**
 * Roughly normal with mean 0 and deviation 1. A sum of three uniforms gives the same digits on every machine;
 * `Math.log` need not.
 */
export function normal(key: number): number {
  return (uniform(mix(key, 1)) + uniform(mix(key, 2)) + uniform(mix(key, 3)) - 1.5) * 2
}

/** Picks one of the choices. */
export function pick<T>(choices: readonly T[], key: number): T {
  const choice = choices[Math.floor(uniform(key) * choices.length)]
  if (choice === undefined) throw new RangeError('There is no choice to pick from')
  return choice
}

/** `length` hexadecimal digits. */
export function hex(key: number, length: number): string {
  let text = ''
  for (let i = 0; text.length < length; i++) text += mix(key, i).toString(16).padStart(8, '0')
  return text.slice(0, length)
}

/** A UUID that depends on `key` only. */
export function uuid(key: number): string {
  const digits = hex(key, 32)
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `a${digits.slice(17, 20)}`,
    digits.slice(20),
  ].join('-')
}
