import { pascal, rowsOf, wiring } from '@cloudoptima/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { beside, grants } from './grants.ts'
import type { Deployment } from './deployment.ts'
import { synthesise } from './synthesise.ts'

const tables = ['DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'].map((action) => `dynamodb:${action} Table`)
const stateMachine = (workflow: string) =>
  `arn:AWS::Partition:states:us-east-1:my-account:stateMachine:cloudoptima-production-${workflow}`

let production: Deployment
let rehearsal: Deployment

beforeAll(async () => {
  production = await synthesise('production', { told: { MAIL_FROM: 'example.com' } })
  rehearsal = await synthesise('rehearsal', { told: { MAIL_FROM: 'example.com' } })
}, 120_000)

describe('grants', () => {
  test('each function may do what it needs and no more', () => {
    const {
      BillsNormalizeRole,
      BillsAnnounceRole,
      BillsRecordFailureRole,
      RequestsRole,
      QueryRole,
      RotateKeysRole,
      SendMailRole,
      SweepRole,
      ...others
    } = grants(production)
    expect(BillsNormalizeRole).toEqual(
      beside('BillsNormalize', [
        ...tables,
        'events:PutEvents Bus',
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
    expect(BillsAnnounceRole).toEqual(
      beside('BillsAnnounce', [...tables, 'events:PutEvents Bus', 's3:GetObject Bucket/*/imports/*']),
    )
    expect(BillsRecordFailureRole).toEqual(
      beside('BillsRecordFailure', [...tables, 'events:PutEvents Bus', 's3:GetObject Bucket/*/imports/*']),
    )
    const inContext = 'if Null kms:EncryptionContext:organization false, Null kms:EncryptionContext:purpose false'
    expect(RequestsRole).toEqual(
      beside('Requests', [
        ...tables,
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
        `states:StartExecution ${stateMachine('bills')}`,
        'sts:AssumeRole arn:AWS::Partition:iam::*:role/CloudOptima*',
      ]),
    )
    expect(QueryRole).toEqual(
      beside('Query', [...tables, 's3:GetObject Bucket/*/lake/*', 'secretsmanager:GetSecretValue SigningKeys']),
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
        ...tables,
        'events:PutEvents Bus',
        `${identity('example.com')} if StringEquals ses:FromAddress no-reply@example.com`,
        `${identity('no-reply@example.com')} if StringEquals ses:FromAddress no-reply@example.com`,
        'sqs:SendMessage DeadLetters',
      ]),
    )
    expect(SweepRole).toEqual(
      beside('Sweep', [
        ...tables,
        'events:PutEvents Bus',
        's3:DeleteObject Bucket/*/answers/*',
        's3:DeleteObject Bucket/*/lake/*',
        's3:DeleteObject Bucket/*/raw/*',
        's3:GetObject Bucket/*/imports/*',
        's3:GetObject Bucket/*/raw/*/manifest.json',
        's3:ListBucket Bucket',
        'sqs:SendMessage DeadLetters',
        `states:StartExecution ${stateMachine('bills')}`,
      ]),
    )
    expect(Object.keys(others)).toEqual(['BillsMachineRole', 'RestCloudWatchRole'])
    expect(others['RestCloudWatchRole']).toEqual([])
  })

  test('the rehearsal grants the same, but for what the emulator cannot hold against a request', () => {
    const withoutConditions = (lines: string[] = []) =>
      new Set(
        lines.map((line) =>
          line
            .replace(/ if .*/, '')
            .replace(/^(ses:SendEmail) .*/, '$1 *')
            .replace(/(?<=:cloudoptima-)rehearsal-/, 'production-'),
        ),
      )
    const [all, rehearsed] = [grants(production), grants(rehearsal)]
    for (const role of Object.keys(all))
      expect([role, withoutConditions(rehearsed[role])]).toEqual([role, withoutConditions(all[role])])
  })

  test.each(Object.keys(wiring.workflows))(
    'the state machine of %s may invoke the functions of its steps; its only grants on everything are those of log delivery and X-Ray',
    (workflow) => {
      const MachineRole = grants(production)[`${pascal(workflow)}MachineRole`] ?? []
      const steps = rowsOf(wiring).flatMap((row) => (row.kind === 'step' && row.workflow === workflow ? [row.id] : []))
      expect(steps.length).toBeGreaterThan(0)
      expect(MachineRole.filter((grant) => grant.startsWith('lambda:'))).toEqual(
        steps.map((name) => `lambda:InvokeFunction ${name}`).toSorted(),
      )
      expect(
        MachineRole.filter(
          (grant) => !/^(lambda:|logs:.*LogDeliver|logs:.*ResourcePolic|logs:DescribeLogGroups |xray:)/.test(grant),
        ),
      ).toEqual([])
    },
  )

  test('no action is a pattern', () => {
    const actions = Object.values(grants(production)).flatMap((lines) => lines.map((line) => line.split(' ')[0] ?? ''))
    expect(actions.length).toBeGreaterThan(30)
    expect(actions.filter((action) => action.includes('*'))).toEqual([])
  })
})
