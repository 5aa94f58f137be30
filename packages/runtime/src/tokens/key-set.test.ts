import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as KeySet from './key-set.ts'

const at = (day: number) => new Date(Date.UTC(2026, 10, day))

test('a key is published one period before it signs and one period after', () => {
  let keySet = KeySet.fresh(at(1))
  const published = new Set<string>()
  for (let day = 2; day < 12; day++) {
    for (const { kid } of KeySet.publicKeys(keySet)) published.add(kid)
    const [signedBefore, since] = [KeySet.current(keySet).kid, KeySet.currentSince(keySet)]
    keySet = KeySet.parse(JSON.stringify(KeySet.rotated(keySet, at(day))))
    expect(since).toStrictEqual(at(day - 1))
    expect(published.has(KeySet.current(keySet).kid)).toBe(true)
    expect(KeySet.publicKeys(keySet).map(({ kid }) => kid)).toContain(signedBefore)
    expect(KeySet.current(keySet).kid).not.toBe(signedBefore)
    expect(keySet.keys.map(({ state }) => state).toSorted()).toStrictEqual(['current', 'next', 'previous'])
  }
  expect(published.size).toBe(11)
})

test('the published keys contain no private key', () => {
  const keySet = KeySet.fresh(at(1))
  const published = JSON.stringify(KeySet.publicKeys(keySet))
  for (const { privateJwk } of keySet.keys) expect(published).not.toContain(privateJwk.d)
  expect(KeySet.publicKeys(keySet)[0]).toStrictEqual({
    kty: 'OKP',
    crv: 'Ed25519',
    x: expect.any(String),
    kid: expect.stringMatching(/^key_/),
    use: 'sig',
    alg: 'EdDSA',
  })
})

test('a damaged key set is refused, and the error does not quote its text', () => {
  const keySet = KeySet.fresh(at(1))
  const text = JSON.stringify(keySet)
  expect(KeySet.parse(text)).toStrictEqual(keySet)
  const [first, second] = keySet.keys
  const broken = [
    '',
    'k3yGeneratedByCdk',
    'null',
    '{}',
    '{"keys":[]}',
    JSON.stringify({ keys: [first] }),
    JSON.stringify({ keys: [first, first] }),
    JSON.stringify({ keys: [first, { ...second, kid: first?.kid }] }),
    JSON.stringify({ keys: [first, { ...second, privateJwk: { ...second?.privateJwk, x: first?.privateJwk.x } }] }),
    JSON.stringify({ keys: [first, { ...second, privateJwk: { ...second?.privateJwk, d: 'AA' } }] }),
  ]
  // The whole sentence, because the message must not contain a part of the text.
  const message = /^The secret contains no valid signing keys$/
  for (const each of broken) expect(() => KeySet.parse(each)).toThrow(message)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: text.length - 1 }), (length) => {
      expect(() => KeySet.parse(text.slice(0, length))).toThrow(message)
    }),
    { numRuns: 50 },
  )
})
