import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createRuntime, noLake } from './aws.ts'
import { service } from './testing/service.ts'
import { startFakeAws } from './testing.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const names = { region: 'us-east-1', credentials, tableName: 'table', bucketName: 'bucket', lake: noLake }
const event = {
  id: 'e1',
  name: 'cost.landed',
  orgId: 'org',
  at: '2026-11-23T00:00:00.000Z',
  data: { importId: 'imp_1', lakeVersion: 1 },
} as const

test('publish sends the whole event, with its name as detail type', async () => {
  const { url, asked: requests } = await service(200, { FailedEntryCount: 0, Entries: [{ EventId: 'x' }] })
  const { bus } = createRuntime({ ...names, endpoints: { eventbridge: url }, busName: 'events' })
  await bus.publish(event)
  const [{ body, target } = { body: {}, target: '' }] = requests
  const [entry] = (body as { Entries: { Detail: string }[] }).Entries
  expect(target).toBe('AWSEvents.PutEvents')
  expect(entry).toMatchObject({ EventBusName: 'events', Source: 'cloudoptima', DetailType: 'cost.landed' })
  expect(JSON.parse(entry?.Detail ?? '')).toStrictEqual(event)
})

test('publish throws a Fault if the bus refuses the event with status 200', async () => {
  const { url } = await service(200, { FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] })
  const { bus } = createRuntime({ ...names, endpoints: { eventbridge: url }, busName: 'events' })
  await expect(bus.publish(event)).rejects.toMatchObject({
    name: 'Fault',
    code: 'unavailable',
    message: expect.stringContaining('ThrottlingException'),
  })
})

test('publish without a configured bus throws an error that names the bus', async () => {
  await expect(createRuntime(names).bus.publish(event)).rejects.toThrow('event bus')
})

test('every method of the lake without DuckDB throws Fault unavailable', async () => {
  const { lake } = createRuntime(names)
  const files = {
    orgId: 'org',
    files: { costs: [], cost_rollup: [], resources: [], resource_changes: [], utilization: [] },
    excluded: [],
  }
  const unavailable = { name: 'Fault', code: 'unavailable' }
  await expect(lake.normalize([], { workDir: '', snapshotId: '' })).rejects.toMatchObject(unavailable)
  await expect(lake.query('reconciliation', files, { period: '2024-09' })).rejects.toMatchObject(unavailable)
  await expect(lake.export(files, { version: '1.2', path: '' })).rejects.toMatchObject(unavailable)
})

test('mail goes to SES as plain text, from the configured sender', async () => {
  const aws = await startFakeAws()
  onTestFinished(aws.close)
  const { mail } = createRuntime({
    ...names,
    endpoints: { ses: aws.url },
    mailFrom: 'CloudOptima <no-reply@example.com>',
  })
  await mail.send({ to: 'ada@example.com', subject: 'Grüße', text: 'One\nTwo' })
  await expect(
    mail.send({ to: 'ada@example.com\nBcc: eve@example.com', subject: 'x', text: 'x' }),
  ).rejects.toMatchObject({ code: 'invalid' })
  expect(aws.mails).toStrictEqual([
    {
      FromEmailAddress: 'CloudOptima <no-reply@example.com>',
      Destination: { ToAddresses: ['ada@example.com'] },
      Content: {
        Simple: {
          Subject: { Data: 'Grüße', Charset: 'UTF-8' },
          Body: { Text: { Data: 'One\nTwo', Charset: 'UTF-8' } },
        },
      },
    },
  ])
})

test('a refusal of SES is a Fault that contains neither the address nor the mail', async () => {
  const { url } = await service(
    400,
    { message: 'Address ada@example.com is not verified' },
    { 'x-amzn-errortype': 'MessageRejected' },
  )
  const { mail } = createRuntime({ ...names, endpoints: { ses: url }, mailFrom: 'no-reply@example.com' })
  const fault: unknown = await mail
    .send({ to: 'ada@example.com', subject: 'canary', text: 'canary' })
    .catch((error: unknown) => error)
  expect(fault).toMatchObject({
    name: 'Fault',
    code: 'unavailable',
    message: expect.stringContaining('MessageRejected'),
  })
  expect(String(fault)).not.toMatch(/ada|canary/)
})

test('a missing option is named in an error on first use', async () => {
  const { mail, dataKeys, tokens, clouds } = createRuntime(names)
  await expect(mail.send({ to: 'ada@example.com', subject: 'x', text: 'x' })).rejects.toThrow('MAIL_FROM')
  await expect(dataKeys.generate({})).rejects.toThrow('encryption key')
  expect(() => tokens.issuer).toThrow('token issuer')
  await expect(tokens.verify('x')).rejects.toThrow('token issuer')
  await expect(createRuntime({ ...names, tokenIssuer: 'us' }).tokens.keys()).rejects.toThrow('signing keys')
  const fault = { name: 'Fault', code: 'unavailable' }
  await expect(clouds.gcp.verify({ cloud: 'aws', roleArn: 'a', externalId: 'b' })).rejects.toMatchObject(fault)
})

test('cloud clients are created once, on first use', async () => {
  let made = 0
  const verified = { ok: true, problems: [], missing: [] }
  const none = async function* () {}
  const reads = { bills: none, preliminary: none, inventory: none, utilization: none, prices: none }
  const access = {
    verify: async () => verified,
    ...reads,
    tags: async () => [],
    retag: async () => [],
    action: async () => undefined,
  }
  const setup = {
    templates: async () => ({ read: '{}', act: '{}' }),
    principal: async () => undefined,
    quickCreateUrl: async () => 'https://example.com',
  }
  const reached = { aws: { ...access, ...setup }, azure: access, gcp: access }
  const runtime = createRuntime({
    ...names,
    clouds: async () => {
      made++
      return reached
    },
  })
  expect(made).toBe(0)
  for (const cloud of ['aws', 'azure', 'gcp'] as const)
    expect(await runtime.clouds[cloud].verify({ cloud: 'aws', roleArn: 'a', externalId: 'b' })).toBe(verified)
  expect(await runtime.clouds.aws.templates()).toStrictEqual({ read: '{}', act: '{}' })
  expect(made).toBe(1)
})

test('a function loads only the SDK clients that it uses', () => {
  const heavy =
    /node_modules\/((?:@aws-sdk\/client-[a-z0-9-]+)|jose|openid-client|undici|aws-jwt-verify|@node-rs\/argon2)\//
  const loaded = (use: string): string[] => {
    const script = `
      const { registerHooks } = await import('node:module')
      const loaded = new Set()
      registerHooks({ load: (url, context, next) => (loaded.add(url), next(url, context)) })
      const { createRuntime, noLake, KeySet } = await import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))})
      const runtime = createRuntime({ ...${JSON.stringify({ ...names, lake: undefined, tokenIssuer: 'us' })}, lake: noLake,
        readSigningKeys: async () => KeySet.fresh(new Date()) })
      ${use}
      console.log(JSON.stringify([...loaded]))`
    const urls = JSON.parse(
      execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' }),
    ) as string[]
    return [...new Set(urls.flatMap((url) => heavy.exec(url)?.[1] ?? []))].toSorted()
  }
  expect(loaded('')).toStrictEqual(['@aws-sdk/client-dynamodb'])
  expect(loaded(`await runtime.passwords.hash('x')`)).toStrictEqual(['@aws-sdk/client-dynamodb', '@node-rs/argon2'])
  expect(loaded(`await runtime.tokens.verify('x').catch(() => undefined)`)).toStrictEqual([
    '@aws-sdk/client-dynamodb',
    'aws-jwt-verify',
  ])
})
