import { expect, onTestFinished, test } from 'vitest'
import { createRuntime, noLake } from '../aws.ts'
import * as KeySet from '../tokens/key-set.ts'
import { rotateSecret } from './rotation.ts'
import { startFakeAws } from '../testing.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const
const now = () => new Date('2026-11-23T08:00:00Z')
const random = 'pJ;x~{?3k"not json'

/** A secret, with the rotation calls of Secrets Manager. */
async function secret(value: string) {
  const aws = await startFakeAws(value)
  onTestFinished(aws.close)
  const connection = { region: 'us-east-1', credentials, endpoint: aws.url }
  const step = async (Step: string, ClientRequestToken: string) =>
    await rotateSecret({ Step, ClientRequestToken, SecretId: 'keys' }, connection, now)
  const begin = (token: string) => void aws.versions.set(token, { value: undefined, stages: ['AWSPENDING'] })
  const rotate = async (token: string, times = 1) => {
    begin(token)
    for (const each of steps) for (let n = 0; n < times; n++) await step(each, token)
  }
  const current = () => [...aws.versions.values()].find(({ stages }) => stages.includes('AWSCURRENT'))?.value ?? ''
  return { ...aws, begin, step, rotate, current }
}

test('the first rotation replaces the random text with keys; later rotations rotate the keys', async () => {
  const { rotate, current, versions } = await secret(random)
  await rotate('t1')
  const first = KeySet.parse(current())
  expect(first.keys.map(({ state }) => state)).toStrictEqual(['current', 'next'])
  await rotate('t2')
  const second = KeySet.parse(current())
  expect(KeySet.current(second).kid).toBe(first.keys.find(({ state }) => state === 'next')?.kid)
  expect(second.keys).toHaveLength(3)
  expect(versions.get('t1')?.stages).toStrictEqual(['AWSPREVIOUS'])
})

test('each step is idempotent: a repetition rotates nothing and replaces no tested key', async () => {
  const { rotate, current, step, versions } = await secret(random)
  await rotate('t1', 3)
  const once = current()
  expect(KeySet.parse(once).keys).toHaveLength(2)
  for (const each of steps) await step(each, 't1')
  expect(current()).toBe(once)
  expect(versions.size).toBe(2)
})

test('the step testSecret refuses a pending version without valid keys', async () => {
  const { begin, step, versions, current } = await secret(random)
  begin('t1')
  await expect(step('testSecret', 't1')).rejects.toThrow('signing keys')
  versions.set('t1', { value: '{"keys":[]}', stages: ['AWSPENDING'] })
  await expect(step('testSecret', 't1')).rejects.toThrow('signing keys')
  expect(current()).toBe(random)
})

test('a damaged key set is not overwritten', async () => {
  const { begin, step, versions } = await secret('{"keys":[{"kid":"half')
  begin('t1')
  await expect(step('createSecret', 't1')).rejects.toThrow('signing keys')
  expect(versions.get('t1')?.value).toBeUndefined()
})

test('an unknown version, a version that is not pending and an unknown step are refused', async () => {
  const { step, versions } = await secret(random)
  versions.set('old', { value: 'x', stages: ['AWSPREVIOUS'] })
  await expect(step('createSecret', 'unknown')).rejects.toThrow('no version')
  await expect(step('createSecret', 'old')).rejects.toThrow('not pending')
  await expect(step('otherStep', 'first')).rejects.toThrow('Step')
})

test('functions sign and verify with the secret, and read it once', async () => {
  const { rotate, url, actions } = await secret(random)
  const { tokens } = createRuntime({
    region: 'us-east-1',
    credentials,
    endpoints: { secretsmanager: url },
    tableName: 'table',
    bucketName: 'bucket',
    tokenIssuer: 'https://api.example.com',
    signingKeysSecretId: 'keys',
    lake: noLake,
  })
  await expect(tokens.keys()).rejects.toMatchObject({ name: 'Fault', code: 'unavailable' })
  await rotate('t1')
  const before = actions.length
  const iat = Math.floor(Date.now() / 1000)
  const claims = {
    iss: tokens.issuer,
    aud: tokens.audience,
    sub: 'u',
    org_id: 'o',
    role: 'viewer',
    permissions: [],
    sid: 's',
    iat,
    exp: iat + 60,
    jti: 'j',
  } as const
  expect(await tokens.verify(await tokens.sign({ ...claims, permissions: [] }))).toStrictEqual(claims)
  expect((await tokens.keys()).keys).toHaveLength(2)
  expect(actions.slice(before)).toStrictEqual(['GetSecretValue'])
})
