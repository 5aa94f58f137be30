import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Context } from '../effects/context.ts'
import * as Envelope from './envelope.ts'
import type { DataKeys } from '../effects/runtime.ts'

const unreadable = { name: 'Fault', code: 'unavailable' }

/** Keys that know their context, and how often they were asked. */
function keys(): DataKeys & { asked: () => number } {
  const made = new Map<string, { key: Uint8Array; context: string }>()
  let asked = 0
  return {
    asked: () => asked,
    async generate(context) {
      const [key, wrapped] = [randomBytes(32), randomBytes(50).toString('base64')]
      made.set(wrapped, { key, context: JSON.stringify(context) })
      return { key, wrapped }
    },
    async unwrap(wrapped, context) {
      asked++
      const known = made.get(wrapped)
      if (known?.context !== JSON.stringify(context)) throw Envelope.unreadable()
      return known.key
    },
  }
}

const dataKeys = keys()
const ctx = (orgId: string, own: DataKeys = dataKeys) => ({
  orgId,
  runtime: { dataKeys: own } as unknown as Context['runtime'],
})

test('a sealed text opens for the same organization and purpose', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'grapheme', maxLength: 500 }),
      fc.string(),
      fc.string({ minLength: 1 }),
      async (text, purpose, orgId) => {
        const sealed = await Envelope.seal(ctx(orgId), purpose, text)
        expect(sealed.startsWith('v1.')).toBe(true)
        expect(await Envelope.open(ctx(orgId), purpose, sealed)).toBe(text)
      },
    ),
  )
})

test('two seals of one text have nothing in common', async () => {
  const [one, other] = [await Envelope.seal(ctx('org'), 'p', 'secret'), await Envelope.seal(ctx('org'), 'p', 'secret')]
  const parts = new Set([...one.split('.'), ...other.split('.')])
  expect(parts.size).toBe(9)
  expect(Buffer.from(one.split('.').at(-1) ?? '', 'base64').toString()).not.toContain('secret')
})

test('another organization and another purpose are refused, by the key and by the ciphertext alike', async () => {
  const trusting: DataKeys = {
    ...dataKeys,
    unwrap: async (wrapped) => await dataKeys.unwrap(wrapped, { organization: 'org', purpose: 'acc_1' }),
  }
  const sealed = await Envelope.seal(ctx('org'), 'acc_1', 'secret')
  for (const own of [dataKeys, trusting]) {
    await expect(Envelope.open(ctx('other', own), 'acc_1', sealed)).rejects.toMatchObject(unreadable)
    await expect(Envelope.open(ctx('org', own), 'acc_2', sealed)).rejects.toMatchObject(unreadable)
    expect(await Envelope.open(ctx('org', own), 'acc_1', sealed)).toBe('secret')
  }
})

test('a seal with any one character changed, added or taken away is refused', async () => {
  const sealed = await Envelope.seal(ctx('org'), 'p', 'secret')
  const open = async (text: string) => await Envelope.open(ctx('org'), 'p', text)
  for (let at = 0; at < sealed.length; at++) {
    for (const other of ['A', 'B', 'x', '/', '=', '.', '-']) {
      if (sealed.charAt(at) === other) continue
      await expect(open(sealed.slice(0, at) + other + sealed.slice(at + 1)), `${other} at ${at}`).rejects.toMatchObject(
        unreadable,
      )
      await expect(open(sealed.slice(0, at) + other + sealed.slice(at)), `${other} before ${at}`).rejects.toMatchObject(
        unreadable,
      )
    }
    await expect(open(sealed.slice(0, at) + sealed.slice(at + 1)), `without ${at}`).rejects.toMatchObject(unreadable)
    await expect(open(sealed.slice(0, at)), `up to ${at}`).rejects.toMatchObject(unreadable)
  }
  expect(await open(sealed)).toBe('secret')
})

test('parts of two seals cannot be combined', async () => {
  const [one, other] = [
    (await Envelope.seal(ctx('org'), 'p', 'secret one')).split('.'),
    (await Envelope.seal(ctx('org'), 'p', 'secret two')).split('.'),
  ]
  for (let part = 1; part < one.length; part++) {
    const mixed = one.with(part, other[part] ?? '').join('.')
    await expect(Envelope.open(ctx('org'), 'p', mixed), `part ${part}`).rejects.toMatchObject(unreadable)
  }
})

test('garbage is refused before a key is unwrapped', async () => {
  const own = keys()
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.array(fc.base64String()).map((parts) => ['v1', ...parts].join('.')),
      ),
      async (text) => {
        await expect(Envelope.open(ctx('org', own), 'p', text)).rejects.toMatchObject(unreadable)
      },
    ),
    { numRuns: 300 },
  )
  expect(own.asked()).toBe(0)
})
