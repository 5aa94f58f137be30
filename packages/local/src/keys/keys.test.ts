import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KeySet } from '@cloudoptima/runtime'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createDataKeys, prepareDataKey } from './data-keys.ts'
import { writePrivate } from './private-file.ts'
import { prepareSigningKeys, readSigningKeys } from './signing-keys.ts'
import { kill, run } from '../services/testing/child.ts'
import { dataFolder } from '../services/testing/services.ts'

const context = { organization: 'org' }
const unavailable = { name: 'Fault', code: 'unavailable' }
const day = 24 * 3600 * 1000

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-keys-'))
})
afterEach(async () => await rm(folder, { recursive: true }))

test('a data key is unwrapped after a restart and by a second process, but not with another master key', async () => {
  const data = await dataFolder()
  const first = await data.boot()
  const { key, wrapped } = await first.runtime.dataKeys.generate(context)
  const second = await data.boot()
  expect(Buffer.from(await second.runtime.dataKeys.unwrap(wrapped, context)).equals(key)).toBe(true)
  await first.close()
  const third = await data.boot()
  expect(Buffer.from(await third.runtime.dataKeys.unwrap(wrapped, context)).equals(key)).toBe(true)
  await data.end()
  await prepareDataKey(folder)
  await expect(createDataKeys(folder).unwrap(wrapped, context)).rejects.toMatchObject(unavailable)
})

test('tokens are verified after a restart and by a second process on the data folder', async () => {
  const data = await dataFolder()
  const first = await data.boot()
  const { tokens } = first.runtime
  const iat = Math.floor(Date.now() / 1000)
  const who = { sub: 'u', org_id: 'o', role: 'viewer', permissions: [], sid: 's', jti: 'j' } as const
  const token = await tokens.sign({
    iss: tokens.issuer,
    aud: tokens.audience,
    ...who,
    permissions: [],
    iat,
    exp: iat + 60,
  })
  expect(await (await data.boot()).runtime.tokens.verify(token)).toMatchObject({
    iss: 'urn:cloudoptima:local',
    aud: 'cloudoptima-api',
    sub: 'u',
  })
  await first.close()
  expect(await (await data.boot()).runtime.tokens.verify(token)).toMatchObject({ sub: 'u' })
  await data.end()
})

test('key files are private', async () => {
  const data = await dataFolder()
  await data.boot()
  const keys = join(data.dataDir, 'keys')
  expect((await readdir(keys)).toSorted()).toStrictEqual(['data.key', 'signing.json'])
  for (const path of [keys, join(keys, 'data.key'), join(keys, 'signing.json')])
    expect((await stat(path)).mode & 0o077, path).toBe(0)
  await data.end()
})

test.each(['data.key', 'signing.json'])(
  'a start fails if other users can read %s, and the message names chmod',
  async (name) => {
    const data = await dataFolder()
    await (await data.boot()).close()
    await chmod(join(data.dataDir, 'keys', name), 0o640)
    await expect(data.boot()).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining(`chmod 600 '${join(data.dataDir, 'keys', name)}'`),
    })
    await chmod(join(data.dataDir, 'keys', name), 0o600)
    expect((await data.boot()).attached).toBe(false)
    await data.end()
  },
)

test.each(['data.key', 'signing.json'])(
  'a start fails if %s is truncated, and leaves the file unchanged',
  async (name) => {
    const data = await dataFolder()
    await (await data.boot()).close()
    const path = join(data.dataDir, 'keys', name)
    const whole = await readFile(path, 'utf8')
    for (const cut of ['', whole.slice(0, 10), whole.slice(0, -3), `${whole}x`, whole.replaceAll(/[a-z]/g, 'A')]) {
      await writeFile(path, cut)
      await expect(data.boot(), cut).rejects.toMatchObject({ ...unavailable, message: expect.stringContaining(path) })
      expect(await readFile(path, 'utf8')).toBe(cut)
    }
    await writeFile(path, whole)
    expect((await data.boot()).attached).toBe(false)
    await data.end()
  },
)

test('a partly written key file of a killed process is ignored', async () => {
  await writeFile(join(folder, 'data.key.tmp'), 'half', { mode: 0o644 })
  await prepareDataKey(folder)
  expect(await readdir(folder)).toStrictEqual(['data.key'])
  expect((await stat(join(folder, 'data.key'))).mode & 0o077).toBe(0)
})

test('a private file is complete whenever its writer is killed', async () => {
  const path = join(folder, 'file')
  await writePrivate(path, 'a'.repeat(100_000))
  for (let round = 0; round < 5; round++) {
    const writer = await new Promise<ReturnType<typeof run>>((resolve) => {
      const child = run('private-writer.ts', [path], () => resolve(child))
    })
    await new Promise((wake) => setTimeout(wake, 5 + 20 * Math.random()))
    await kill(writer)
    const text = await readFile(path, 'utf8')
    expect(text).toHaveLength(100_000)
    expect(new Set(text).size).toBe(1)
  }
})

test('the signing key is rotated at the first start after 30 days, and tokens of the old key stay valid', async () => {
  const start = Date.parse('2026-11-23T00:00:00Z')
  const after = async (days: number) => {
    await prepareSigningKeys(folder, new Date(start + days * day))
    return await readSigningKeys(folder)
  }
  const first = await after(0)
  expect(await after(29)).toStrictEqual(first)
  const second = await after(30)
  expect(KeySet.current(second).kid).toBe(first.keys.find(({ state }) => state === 'next')?.kid)
  expect(KeySet.publicKeys(second).map(({ kid }) => kid)).toContain(KeySet.current(first).kid)
  expect(await after(31)).toStrictEqual(second)
  expect(await after(59)).toStrictEqual(second)
  expect(KeySet.current(await after(60)).kid).not.toBe(KeySet.current(second).kid)
})

test('signing keys that other users can read are refused while the product runs, too', async () => {
  await mkdir(join(folder, 'keys'))
  await prepareSigningKeys(join(folder, 'keys'), new Date())
  await chmod(join(folder, 'keys', 'signing.json'), 0o604)
  await expect(readSigningKeys(join(folder, 'keys'))).rejects.toMatchObject({
    ...unavailable,
    message: expect.stringContaining('chmod 600'),
  })
})
