import { beforeAll, describe, expect, test } from 'vitest'
import { pascal, wiring } from '@cloudoptima/core'
import { settings } from '../../stacks/settings.ts'
import { functionNames } from './functions.ts'
import { grants, nameOf } from './grants.ts'
import type { Deployment } from './deployment.ts'
import { synthesise } from './synthesise.ts'

let production: Deployment
let silent: Deployment
/** What SST writes where it knows none. */
const account = 'my-account'

beforeAll(async () => {
  production = await synthesise('production', { told: { MAIL_FROM: 'example.com', ALARM_EMAIL: 'ops@example.com' } })
  silent = await synthesise('dev-silent')
})

interface Statement {
  Sid: string
  Action: string[]
  Condition?: unknown
}

describe('the key of data keys', () => {
  const key = (of: Deployment) => of.resources('AWS::KMS::Key').find(([id]) => id.startsWith('identity/'))?.[1]

  test('it is changed every year, has a name, and outlives its stack where the table does', () => {
    expect(key(production)).toMatchObject({ DeletionPolicy: 'Retain', Properties: { EnableKeyRotation: true } })
    expect(key(silent)).toMatchObject({ DeletionPolicy: 'Delete', Properties: { PendingWindowInDays: 7 } })
    expect(production.resources('AWS::KMS::Alias').map(([, { Properties }]) => Properties['AliasName'])).toEqual([
      'alias/cloudoptima-production',
    ])
  })

  test('its policy lets nobody use it who does not name an organization and a purpose, and nobody pass that on', () => {
    const { Statement } = production.only('AWS::KMS::Key', 'identity/')['KeyPolicy'] as { Statement: Statement[] }
    expect(Statement.map(({ Sid }) => Sid)).toEqual(['LookAfter', 'UseForAnOrganization'])
    const [care, use] = Statement
    const inContext = {
      Null: { 'kms:EncryptionContext:organization': 'false', 'kms:EncryptionContext:purpose': 'false' },
    }
    expect(use).toMatchObject({ Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Condition: inContext })
    expect(care?.Action.filter((action) => /\*|Encrypt|Decrypt|GenerateDataKey|CreateGrant|Sign/.test(action))).toEqual(
      [],
    )
    expect(care?.Action).toEqual(
      expect.arrayContaining(['kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion', 'kms:EnableKeyRotation']),
    )
  })

  test('the api may wrap and unwrap; collectors, queries and steps that act may unwrap', () => {
    const users = Object.entries(grants(production)).flatMap(([role, lines]) =>
      lines.flatMap((line) => (line.startsWith('kms:') ? [`${role} ${line.split(' ')[0]}`] : [])),
    )
    expect(users.toSorted()).toEqual([
      ...['CollectAws', 'CollectAzure', 'CollectGcp', 'Processing', 'Query'].map((name) => `${name}Role kms:Decrypt`),
      ...['Act', 'Check', 'Plan', 'Undo'].map((step) => `Remediation${step}Role kms:Decrypt`),
      'RequestsRole kms:Decrypt',
      'RequestsRole kms:GenerateDataKey',
    ])
  })
})

describe('the keys that sign tokens', () => {
  test('one secret, changed every 30 days by a function that Secrets Manager of this account may wake', () => {
    expect(production.resources('AWS::SecretsManager::Secret')).toHaveLength(1)
    const rotation = production.only('AWS::SecretsManager::RotationSchedule')
    expect(rotation).toMatchObject({ RotationRules: { AutomaticallyAfterDays: 30 } })
    expect([nameOf(rotation['SecretId']), nameOf(rotation['RotationLambdaARN'])]).toEqual(['SigningKeys', 'RotateKeys'])
    const permissions = production
      .resources('AWS::Lambda::Permission')
      .filter(([, { Properties }]) => nameOf(Properties['FunctionName']) === 'RotateKeys')
    expect(permissions.map(([, { Properties }]) => [Properties['Principal'], Properties['SourceAccount']])).toEqual([
      ['secretsmanager.amazonaws.com', account],
    ])
  })
})

describe('mail', () => {
  test('a domain is verified and signed with DKIM; without an address there is no identity, and nothing may send', () => {
    const identities = production.resources('AWS::SES::EmailIdentity').map(([, { Properties }]) => Properties)
    expect(identities).toMatchObject([{ EmailIdentity: 'example.com', DkimAttributes: { SigningEnabled: true } }])
    expect(production.variables('SendMail')).toMatchObject({ MAIL_FROM: 'no-reply@example.com' })
    expect(silent.findings).toEqual([])
    expect(silent.resources('AWS::SES::EmailIdentity')).toEqual([])
    expect(Object.keys(silent.variables('SendMail'))).not.toContain('MAIL_FROM')
    expect(Object.values(grants(silent)).flatMap((lines) => lines.filter((line) => line.startsWith('ses:')))).toEqual(
      [],
    )
  })

  test('an event wakes the function that sends; what it cannot do after three attempts is kept', () => {
    const rule = production.only('AWS::Events::Rule', 'reactions/SendMailOn')
    expect(rule).toMatchObject({ EventPattern: { 'detail-type': ['mail.requested'] } })
    const [target] = rule['Targets'] as { Arn: unknown; DeadLetterConfig: { Arn: unknown }; RetryPolicy: unknown }[]
    expect([nameOf(target?.Arn), nameOf(target?.DeadLetterConfig.Arn)]).toEqual(['SendMail', 'DeadLetters'])
    expect(target?.RetryPolicy).toEqual({ MaximumRetryAttempts: 185, MaximumEventAgeInSeconds: 86_400 })
    const config = production.only('AWS::Lambda::EventInvokeConfig', 'reactions/SendMailRetries')
    expect(nameOf(config['FunctionName'])).toBe('SendMail')
    expect(config).toMatchObject({
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: expect.anything() } },
    })
  })
})

describe('alarms', () => {
  const alarms = (of: Deployment) =>
    of.resources('AWS::CloudWatch::Alarm').map(([id, { Properties }]) => ({ id: nameOf(id), ...Properties }) as Alarm)

  interface Alarm {
    id: string
    MetricName: string
    Threshold: number
    AlarmActions: unknown[]
    AlarmDescription: string
    TreatMissingData: string
  }

  test('5xx, denied bursts, refusals of the firewall, dead letters, of every queue its age, and of every function its errors and throttles', () => {
    const names = functionNames.flatMap((name) => [`${name}Errors`, `${name}Throttles`])
    const queues = Object.keys(wiring.queues).map(pascal)
    const ofQueues = queues.flatMap((name) => [`${name}Age`, `${name}DeadLetters`])
    expect(ofQueues.length).toBeGreaterThan(0)
    expect(
      alarms(production)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([...names, ...ofQueues, 'DeadLettersNotEmpty', 'DeniedBurst', 'FirewallBlocks', 'RestErrors'].toSorted())
  })

  test('each tells the one topic, and a person where to look', () => {
    for (const { id, AlarmActions, AlarmDescription, TreatMissingData } of alarms(production)) {
      expect([id, AlarmActions.map(nameOf), TreatMissingData]).toEqual([id, ['Topic'], 'notBreaching'])
      expect(AlarmDescription).toMatch(/: .+\.$/)
    }
  })

  test('a denial is a line of JSON in the logs of the two functions that are asked', () => {
    const filters = production.resources('AWS::Logs::MetricFilter').map(([, { Properties }]) => Properties)
    expect(filters.map(({ FilterPattern, LogGroupName }) => [FilterPattern, nameOf(LogGroupName)])).toEqual(
      ['RequestsLogs', 'QueryLogs'].map((name) => ['{ $.message = "denied" }', name]),
    )
    const metrics = filters.flatMap(
      ({ MetricTransformations }) => MetricTransformations as { MetricNamespace: string; MetricName: string }[],
    )
    const denied = alarms(production).find(({ id }) => id === 'DeniedBurst')
    for (const { MetricNamespace, MetricName } of metrics)
      expect(denied).toMatchObject({ Namespace: MetricNamespace, MetricName })
  })

  test('the topic is encrypted, refuses plain HTTP, lets CloudWatch of this account in, and mails to whom the stage says', () => {
    expect(nameOf(production.only('AWS::SNS::Topic')['KmsMasterKeyId'])).toBe('TopicKey')
    const policy = JSON.stringify(production.resources('AWS::SNS::TopicPolicy'))
    expect(policy).toMatch(/"aws:SecureTransport":"false"/)
    expect(policy).toMatch(/"aws:SourceAccount":"my-account".{0,200}"cloudwatch\.amazonaws\.com"/)
    expect(
      production
        .resources('AWS::SNS::Subscription')
        .map(([, { Properties }]) => [Properties['Protocol'], Properties['Endpoint']]),
    ).toEqual([['email', 'ops@example.com']])
    expect(silent.resources('AWS::SNS::Subscription')).toEqual([])
  })
})

describe('what a stage is told', () => {
  test.each([
    [
      'MAIL_FROM',
      'costs@example.com',
      { mail: { from: 'costs@example.com', identity: 'costs@example.com', isDomain: false } },
    ],
    [
      'MAIL_FROM',
      'mail.example.com',
      { mail: { from: 'no-reply@mail.example.com', identity: 'mail.example.com', isDomain: true } },
    ],
    ['MAIL_FROM', ' ', {}],
    ['API_URL', 'https://example.com/costs', { apiUrl: 'https://example.com/costs' }],
    [
      'CORS_ORIGINS',
      'https://a.example.com,https://b.example.com:8443',
      { corsOrigins: ['https://a.example.com', 'https://b.example.com:8443'] },
    ],
    ['ALARM_EMAIL', 'ops@example.com', { alarmEmail: 'ops@example.com' }],
    ['AUDIT_ANCHOR_DAYS', '2555', { anchorDays: 2555 }],
    ['TIMESTREAM_TABLE', 'costs/daily', { timestreamTable: 'costs/daily' }],
  ])('%s=%s is understood', (name, value, expected) => {
    expect(settings({ [name]: value })).toEqual({ corsOrigins: [], anchorDays: 365, ...expected })
  })

  test.each([
    ['MAIL_FROM', 'costs at example'],
    ['API_URL', 'https://example.com/'],
    ['API_URL', 'http://example.com'],
    ['API_URL', 'https://example.com?a=b'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'https://example.com/app'],
    ['CORS_ORIGINS', 'https://example.com,'],
    ['ALARM_EMAIL', 'ops'],
    ['TIMESTREAM_TABLE', 'daily'],
    ['TIMESTREAM_TABLE', 'costs/*'],
  ])('%s=%s ends the deployment, by its name', (name, value) => {
    expect(() => settings({ [name]: value })).toThrow(name)
  })
})
