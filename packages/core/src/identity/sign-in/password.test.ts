import { describe, expect, test } from 'vitest'
import { Email } from '../people/email.ts'
import * as Password from './password.ts'
import { world } from '../../testing/identity.ts'

const check = async (password: string, email = 'ada.lovelace@example.com') =>
  await Password.check(password, 'newPassword', [email, 'Ada Analytical'])

describe('a password', () => {
  test.each([
    'password',
    'PassWord',
    'iloveyou',
    'ILOVEYOU',
    'qwertyuiop',
    'football1',
    'password123',
    'starwars',
    '12345678',
    'trustno1',
  ])('%s is refused as common', async (password) => {
    await expect(check(password)).rejects.toMatchObject({ code: 'invalid', complaints: [{ path: 'newPassword' }] })
  })

  test.each([
    'ada.lovelace@example.com',
    'Ada.Lovelace@EXAMPLE.com',
    'ada.lovelace',
    'ADA.LOVELACE',
    'AdaLovelace1815!',
  ])('%s is refused to whom it is the address of', async (password) => {
    await expect(check(password)).rejects.toMatchObject({ code: 'invalid' })
    await expect(check(password, 'bob@example.com')).resolves.toBeUndefined()
  })

  test.each(['CloudOptima', 'cloudoptima2026!', 'Ada Analytical', 'ada-analytical-1'])(
    '%s is refused, as everybody knows it',
    async (password) => {
      await expect(check(password)).rejects.toMatchObject({ code: 'invalid', complaints: [{ path: 'newPassword' }] })
    },
  )

  const fullWidth = (text: string) =>
    text.replaceAll(/[!-~]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0))

  test.each([
    'password123',
    'PassWord',
    '12345678',
    'ada.lovelace@example.com',
    'AdaLovelace1815!',
    'ada-analytical-1',
  ])('%s is refused in full-width letters too, as it is kept without them', async (password) => {
    await expect(check(fullWidth(password))).rejects.toMatchObject({
      code: 'invalid',
      complaints: [{ path: 'newPassword' }],
    })
    await expect(check(Password.Chosen.parse(fullWidth(password)))).rejects.toMatchObject({ code: 'invalid' })
  })

  test('is refused if it is the company name in full-width letters', async () => {
    await expect(Password.check('larkfield-2026', 'password', [fullWidth('Larkfield')])).rejects.toMatchObject({
      code: 'invalid',
    })
  })

  test('is measured after normalization', () => {
    expect(Password.Chosen.safeParse('e\u0301'.repeat(7)).success).toBe(false)
    expect(Password.Chosen.parse('e\u0301'.repeat(256))).toBe('\u00e9'.repeat(256))
    expect(Password.Chosen.safeParse('\ufdfa'.repeat(15)).success).toBe(false)
  })

  test('chosen before normalization is still accepted', () => {
    expect(Password.Given.safeParse('\ufdfa'.repeat(256)).success).toBe(true)
  })

  test.each(['correct horse battery', 'пароль-пароль', '🐎🔋🪵🧷🐎🔋🪵🧷', ' leading and trailing '])(
    '%s is taken',
    async (password) => {
      expect(Password.Chosen.parse(password)).toBe(password)
      await expect(check(password)).resolves.toBeUndefined()
    },
  )

  test('never matches without a hash, and takes as long', async () => {
    const { runtime, anyone } = world()
    let looks = 0
    const ctx = anyone(undefined, {
      ...runtime,
      passwords: { ...runtime.passwords, verify: async () => (looks++, true) },
    })
    expect(await Password.verify(ctx, undefined, 'decoy')).toBe(false)
    expect(looks).toBe(1)
  })
})

describe('an e-mail address', () => {
  test.each([
    ['  Ada@Example.COM ', 'ada@example.com'],
    ['a+b@example.com', 'a+b@example.com'],
    ['O\u2019neil@example.com', undefined],
    ['ada@', undefined],
    ['@example.com', undefined],
    ['ada@example', undefined],
    ['ada@@example.com', undefined],
    ['ada @example.com', undefined],
    ['ada@example.com\r\nBcc: x@example.com', undefined],
    ['', undefined],
  ])('%j is kept as %j', (given, kept) => {
    expect(Email.safeParse(given).data).toBe(kept)
  })
})
