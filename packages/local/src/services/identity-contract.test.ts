import { randomUUID } from 'node:crypto'
import { type Claims, Envelope, type Runtime } from '@cloudoptima/core'
import { createRuntime, KeySet, noLake } from '@cloudoptima/runtime'
import { startFakeAws } from '@cloudoptima/runtime/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dataFolder } from './testing/services.ts'

/** Emulators of AWS, or a deployment if these variables name one. */
const {
  CONTRACT_ENDPOINT,
  CONTRACT_KMS_KEY = 'key',
  CONTRACT_SECRET = 'keys',
  CONTRACT_MAIL_FROM = 'CloudOptima <no-reply@example.com>',
} = process.env
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

interface Place {
  runtime: Runtime
  end(): Promise<void>
}

async function oneMachine(): Promise<Place> {
  const folder = await dataFolder()
  const { runtime } = await folder.boot()
  return { runtime, end: folder.end }
}

async function aws(): Promise<Place> {
  const standIn = CONTRACT_ENDPOINT ? undefined : await startFakeAws(JSON.stringify(KeySet.fresh(new Date())))
  const url = CONTRACT_ENDPOINT ?? standIn?.url ?? ''
  const names = {
    tableName: 'table',
    bucketName: 'bucket',
    kmsKeyId: CONTRACT_KMS_KEY,
    signingKeysSecretId: CONTRACT_SECRET,
    mailFrom: CONTRACT_MAIL_FROM,
  }
  const endpoints = { kms: url, ses: url, secretsmanager: url }
  const runtime = createRuntime({
    region: 'us-east-1',
    credentials,
    endpoints,
    ...names,
    tokenIssuer: 'https://api.example.com',
    lake: noLake,
  })
  return { runtime, end: async () => await standIn?.close() }
}

describe.each([
  ['one machine', oneMachine],
  ['AWS', aws],
])('on %s', (_, open) => {
  let place: Place
  beforeAll(async () => {
    place = await open()
  })
  afterAll(async () => await place.end())
  const runtime = () => place.runtime

  describe('data keys', () => {
    const context = { organization: 'org', purpose: 'acc_1' }
    const unreadable = { name: 'Fault', code: 'unavailable' }

    test('are unwrapped in the same context, independent of the order of its fields', async () => {
      const { key, wrapped } = await runtime().dataKeys.generate(context)
      expect(key).toHaveLength(32)
      expect(Buffer.from(wrapped, 'base64').includes(Buffer.from(key))).toBe(false)
      expect(Buffer.from(await runtime().dataKeys.unwrap(wrapped, context))).toStrictEqual(Buffer.from(key))
      expect(
        Buffer.from(await runtime().dataKeys.unwrap(wrapped, { purpose: 'acc_1', organization: 'org' })),
      ).toStrictEqual(Buffer.from(key))
      expect((await runtime().dataKeys.generate(context)).wrapped).not.toBe(wrapped)
    })

    test('are refused in any other context', async () => {
      const { wrapped } = await runtime().dataKeys.generate(context)
      const others: Record<string, string>[] = [
        {},
        { organization: 'org' },
        { organization: 'other', purpose: 'acc_1' },
        { ...context, more: '1' },
        { organization: 'acc_1', purpose: 'org' },
      ]
      for (const other of others)
        await expect(runtime().dataKeys.unwrap(wrapped, other)).rejects.toMatchObject(unreadable)
    })

    test('are refused if a byte was changed or if they are malformed', async () => {
      const bytes = Buffer.from((await runtime().dataKeys.generate(context)).wrapped, 'base64')
      for (let at = 0; at < bytes.length; at += 3) {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ 1
        await expect(
          runtime().dataKeys.unwrap(changed.toString('base64'), context),
          `byte ${at}`,
        ).rejects.toMatchObject(unreadable)
      }
      await expect(runtime().dataKeys.unwrap(bytes.subarray(1).toString('base64'), context)).rejects.toMatchObject(
        unreadable,
      )
      await expect(runtime().dataKeys.unwrap('bm9uZQ==', context)).rejects.toMatchObject(unreadable)
    })

    test('encrypt the secrets of an organization', async () => {
      const ctx = { orgId: `org-${randomUUID()}`, runtime: runtime() }
      const sealed = await Envelope.seal(ctx, 'acc_1', 'Zürich ✓')
      expect(await Envelope.open(ctx, 'acc_1', sealed)).toBe('Zürich ✓')
      await expect(Envelope.open({ ...ctx, orgId: 'other' }, 'acc_1', sealed)).rejects.toMatchObject(unreadable)
      await expect(Envelope.open(ctx, 'acc_2', sealed)).rejects.toMatchObject(unreadable)
    })
  })

  describe('passwords', () => {
    test('are verified by their hash', async () => {
      const hash = await runtime().passwords.hash('correct horse')
      expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
      expect(await runtime().passwords.verify(hash, 'correct horse')).toBe(true)
      for (const wrong of ['correct horse ', 'Correct horse', '', 'x'.repeat(10_000)])
        expect(await runtime().passwords.verify(hash, wrong)).toBe(false)
      expect(await runtime().passwords.hash('correct horse')).not.toBe(hash)
    })

    test('are equal in every Unicode normalization', async () => {
      const hash = await runtime().passwords.hash('caf\u00e9')
      expect(await runtime().passwords.verify(hash, 'cafe\u0301')).toBe(true)
    })

    test('need a new hash if the old one has weaker parameters', async () => {
      expect(await runtime().passwords.needsRehash(await runtime().passwords.hash('x'))).toBe(false)
      for (const parameters of ['argon2id$v=19$m=4096,t=3,p=1', 'argon2i$v=19$m=19456,t=2,p=1'])
        expect(await runtime().passwords.needsRehash(`$${parameters}$c29tZXNhbHRzb21lc2FsdA$${'A'.repeat(43)}`)).toBe(
          true,
        )
    })

    test('cannot be verified against a malformed hash', async () => {
      await expect(runtime().passwords.verify('not a hash', 'x')).rejects.toThrow(Error)
    })
  })

  describe('tokens', () => {
    function claims(): Claims {
      const iat = Math.floor(Date.now() / 1000)
      const { issuer: iss, audience: aud } = runtime().tokens
      const who = { sub: 'usr_1', org_id: 'org_1', role: 'cfo', sid: 'ses_1' } as const
      return { iss, aud, ...who, permissions: ['read:costs'], iat, exp: iat + 900, jti: randomUUID() }
    }

    test('carry the signed claims, and their key is published', async () => {
      const said = claims()
      const token = await runtime().tokens.sign(said)
      expect(await runtime().tokens.verify(token)).toStrictEqual(said)
      const { kid, ...header } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as {
        kid: string
      }
      expect(header).toStrictEqual({ alg: 'EdDSA', typ: 'at+jwt' })
      const { keys } = await runtime().tokens.keys()
      expect(keys.map((key) => key['kid'])).toContain(kid)
      for (const key of keys)
        expect(Object.keys(key).toSorted()).toStrictEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x'])
    })

    test('are refused if malformed', async () => {
      const token = await runtime().tokens.sign(claims())
      for (const wrong of ['', 'x', `${token}x`, token.slice(0, -1), 'a.b.c'])
        await expect(runtime().tokens.verify(wrong)).rejects.toMatchObject({ name: 'Fault', code: 'unauthenticated' })
    })

    test('are refused if their issuer cannot be reached', async () => {
      const issuer = { issuer: 'https://10.0.0.1', audience: 'us' }
      await expect(runtime().tokens.verifyIssued('a.b.c', issuer)).rejects.toMatchObject({
        name: 'Fault',
        code: 'unauthenticated',
      })
    })
  })

  describe('mail', () => {
    const message = { to: 'ada@example.com', subject: 'Grüße ✓', text: 'One line.\r\nAnother: x\n' }

    test('is accepted', async () => {
      await expect(runtime().mail.send(message)).resolves.toBeUndefined()
    })

    test.each([
      { to: 'ada@example.com\r\nBcc: eve@example.com' },
      { to: 'ada@example.com, eve@example.com' },
      { to: 'ada@example.com;eve@example.com' },
      { to: 'Ada <ada@example.com>' },
      { to: '"a b"@example.com' },
      { to: 'ada' },
      { to: '' },
      { to: `${'a'.repeat(250)}@example.com` },
      { subject: 'Hello\nBcc: eve@example.com' },
      { subject: 'Hello\rworld' },
      { subject: 'Hello\u2028world' },
      { subject: 'Hello\0' },
      { subject: '' },
    ])('is refused with %j', async (wrong) => {
      await expect(runtime().mail.send({ ...message, ...wrong })).rejects.toMatchObject({
        name: 'Fault',
        code: 'invalid',
      })
    })
  })

  test('only runtimes with cloud access can reach clouds', async () => {
    const credentials = { cloud: 'aws', roleArn: 'arn', externalId: 'x' } as const
    await expect(runtime().clouds.aws.verify(credentials)).rejects.toMatchObject({ name: 'Fault', code: 'unavailable' })
  })
})
