import { beforeAll, describe, expect, test } from 'vitest'
import { beside, grants } from './grants.ts'
import type { Deployment } from './deployment.ts'
import { synthesise } from './synthesise.ts'

let production: Deployment
let rehearsal: Deployment

beforeAll(async () => {
  production = await synthesise('production', { told: { MAIL_FROM: 'example.com' } })
  rehearsal = await synthesise('rehearsal', { told: { MAIL_FROM: 'example.com' } })
}, 120_000)

describe('grants', () => {
  test('each function may do what it needs and no more', () => {
    const {
      NormalizeRole,
      DetectRole,
      RecommendRole,
      TrackRole,
      AnnounceRole,
      RecordFailureRole,
      RequestsRole,
      QueryRole,
      RotateKeysRole,
      SendMailRole,
      SweepRole,
      ...others
    } = grants(production)
    expect(NormalizeRole).toEqual(
      beside('Normalize', [
        'dynamodb:DeleteItem Table',
        'dynamodb:GetItem Table',
        'dynamodb:PutItem Table',
        'dynamodb:Query Table',
        's3:AbortMultipartUpload Bucket/*/lake/*',
        's3:DeleteObject Bucket/*/lake/*',
        's3:DeleteObject Bucket/*/raw/*',
        's3:GetObject Bucket/*/imports/*',
        's3:GetObject Bucket/*/lake/*',
        's3:GetObject Bucket/*/raw/*',
        's3:ListBucket Bucket',
        's3:PutObject Bucket/*/imports/*',
        's3:PutObject Bucket/*/lake/*',
        's3:PutObject Bucket/*/raw/*/manifest.json',
      ]),
    )
    expect(DetectRole).toEqual(beside('Detect', []))
    expect(RecommendRole).toEqual(beside('Recommend', []))
    expect(TrackRole).toEqual(beside('Track', []))
    expect(AnnounceRole).toEqual(
      beside('Announce', ['dynamodb:GetItem Table', 'events:PutEvents Bus', 's3:GetObject Bucket/*/imports/*']),
    )
    expect(RecordFailureRole).toEqual(
      beside('RecordFailure', ['dynamodb:GetItem Table', 'dynamodb:PutItem Table', 's3:GetObject Bucket/*/imports/*']),
    )
    const inContext = 'if Null kms:EncryptionContext:organization false, Null kms:EncryptionContext:purpose false'
    expect(RequestsRole).toEqual(
      beside('Requests', [
        'dynamodb:DeleteItem Table',
        'dynamodb:GetItem Table',
        'dynamodb:PutItem Table',
        'dynamodb:Query Table',
        'dynamodb:UpdateItem Table',
        'events:PutEvents Bus',
        `kms:Decrypt DataKey ${inContext}`,
        `kms:GenerateDataKey DataKey ${inContext}`,
        's3:DeleteObject Bucket/*/lake/*',
        's3:DeleteObject Bucket/*/raw/*',
        's3:GetObject Bucket/*/answers/*',
        's3:GetObject Bucket/*/imports/*',
        's3:GetObject Bucket/*/raw/*/manifest.json',
        's3:GetObject Bucket/*/templates/*',
        's3:ListBucket Bucket',
        's3:PutObject Bucket/*/answers/*',
        's3:PutObject Bucket/*/imports/*',
        's3:PutObject Bucket/*/raw/*',
        's3:PutObject Bucket/*/templates/*',
        'secretsmanager:GetSecretValue SigningKeys',
        'states:StartExecution Machine',
        'sts:AssumeRole arn:AWS::Partition:iam::*:role/CloudOptima*',
      ]),
    )
    expect(QueryRole).toEqual(
      beside('Query', [
        'dynamodb:GetItem Table',
        'dynamodb:PutItem Table',
        'dynamodb:Query Table',
        'dynamodb:UpdateItem Table',
        's3:GetObject Bucket/*/lake/*',
        'secretsmanager:GetSecretValue SigningKeys',
      ]),
    )
    expect(RotateKeysRole).toEqual(
      beside(
        'RotateKeys',
        ['DescribeSecret', 'GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage'].map(
          (action) => `secretsmanager:${action} SigningKeys`,
        ),
      ),
    )
    const identity = (name: string) => `ses:SendEmail arn:AWS::Partition:ses:us-east-1:my-account:identity/${name}`
    expect(SendMailRole).toEqual(
      beside('SendMail', [
        'dynamodb:GetItem Table',
        'dynamodb:PutItem Table',
        'dynamodb:UpdateItem Table',
        `${identity('example.com')} if StringEquals ses:FromAddress no-reply@example.com`,
        `${identity('no-reply@example.com')} if StringEquals ses:FromAddress no-reply@example.com`,
        'sqs:SendMessage DeadLetters',
      ]),
    )
    expect(SweepRole).toEqual(
      beside('Sweep', [
        'dynamodb:DeleteItem Table',
        'dynamodb:GetItem Table',
        'dynamodb:PutItem Table',
        'dynamodb:Query Table',
        's3:DeleteObject Bucket/*/answers/*',
        's3:DeleteObject Bucket/*/lake/*',
        's3:DeleteObject Bucket/*/raw/*',
        's3:GetObject Bucket/*/imports/*',
        's3:GetObject Bucket/*/raw/*/manifest.json',
        's3:ListBucket Bucket',
        'sqs:SendMessage DeadLetters',
        'states:StartExecution Machine',
      ]),
    )
    expect(Object.keys(others)).toEqual(['MachineRole', 'RestCloudWatchRole'])
    expect(others['RestCloudWatchRole']).toEqual([])
  })

  test('the rehearsal grants the same, but for what the emulator cannot hold against a request', () => {
    const withoutConditions = (lines: string[] = []) =>
      new Set(lines.map((line) => line.replace(/ if .*/, '').replace(/^(ses:SendEmail) .*/, '$1 *')))
    const [all, rehearsed] = [grants(production), grants(rehearsal)]
    for (const role of Object.keys(all))
      expect([role, withoutConditions(rehearsed[role])]).toEqual([role, withoutConditions(all[role])])
  })

  test('the state machine may invoke its six functions; its only grants on everything are those of log delivery and X-Ray', () => {
    const { MachineRole = [] } = grants(production)
    expect(MachineRole.filter((grant) => grant.startsWith('lambda:'))).toEqual(
      ['Announce', 'Detect', 'Normalize', 'Recommend', 'RecordFailure', 'Track'].map(
        (name) => `lambda:InvokeFunction ${name}`,
      ),
    )
    expect(
      MachineRole.filter(
        (grant) => !/^(lambda:|logs:.*LogDeliver|logs:.*ResourcePolic|logs:DescribeLogGroups |xray:)/.test(grant),
      ),
    ).toEqual([])
  })

  test('no action is a pattern', () => {
    const actions = Object.values(grants(production)).flatMap((lines) => lines.map((line) => line.split(' ')[0] ?? ''))
    expect(actions.length).toBeGreaterThan(30)
    expect(actions.filter((action) => action.includes('*'))).toEqual([])
  })
})
