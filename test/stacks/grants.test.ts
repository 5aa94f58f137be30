import { clouds, pascal, rowsOf, wiring } from '@cloudoptima/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { beside, grants } from './grants.ts'
import type { Deployment } from './deployment.ts'
import { synthesise } from './synthesise.ts'

const tables = [
  ...['BatchGetItem', 'DeleteItem', 'GetItem', 'Query', 'UpdateItem'].map((verb) => `dynamodb:${verb} Table`),
  ...['due', 'outbox', 'status'].map((index) => `dynamodb:Query Table/index/${index}`),
]
/** Every row writes the tables, and publishes the events of its writes. */
const everyRow = [...tables, 'events:PutEvents Bus']
const stateMachine = (workflow: string) =>
  `arn:AWS::Partition:states:us-east-1:my-account:stateMachine:cloudoptima-production-${workflow}`

const execution = (workflow: string) => `${stateMachine(workflow).replace(':stateMachine:', ':execution:')}:*`

let production: Deployment
let rehearsal: Deployment

beforeAll(async () => {
  const addition = 'test/demonstration/deployment.ts'
  const told = { MAIL_FROM: 'example.com', ADDITIONAL_ROWS: addition, TIMESTREAM_TABLE: 'costs/daily' }
  production = await synthesise('production', { told })
  rehearsal = await synthesise('rehearsal', { told })
})

describe('grants', () => {
  test('each function may do what it needs and no more', () => {
    const inContext = 'if Null kms:EncryptionContext:organization false, Null kms:EncryptionContext:purpose false'
    const identity = (name: string) => `ses:SendEmail arn:AWS::Partition:ses:us-east-1:my-account:identity/${name}`
    const fromUs = 'if StringEquals ses:FromAddress no-reply@example.com'
    const removal = [
      's3:DeleteObject Bucket/*/lake/*',
      's3:DeleteObject Bucket/*/raw/*',
      's3:GetObject Bucket/*/imports/*',
      's3:ListBucket Bucket',
      's3:PutObject Bucket/*/imports/*',
    ]
    const anchors = ['s3:ListBucketVersions Anchors', 's3:PutObject Anchors/*']
    const sendsTo = (queue: string) =>
      `sqs:SendMessage arn:AWS::Partition:sqs:us-east-1:my-account:cloudoptima-production-${queue}`
    const collectQueues = [...clouds.map((cloud) => `collect-${cloud}`), 'processing'].map(sendsTo)
    const consumes = (queue: string) =>
      ['ChangeMessageVisibility', 'DeleteMessage', 'GetQueueAttributes', 'GetQueueUrl', 'ReceiveMessage'].map(
        (verb) => `sqs:${verb} ${pascal(queue)}`,
      )
    const collector = (queue: string, ...more: string[]) => [
      ...everyRow,
      `kms:Decrypt DataKey ${inContext}`,
      's3:ListBucket Bucket',
      ...consumes(queue),
      ...more,
    ]
    const forBills = ['s3:PutObject Bucket/*/raw/*', `states:StartExecution ${stateMachine('bills')}`]
    const forRows = ['AbortMultipartUpload', 'GetObject', 'PutObject'].map((verb) => `s3:${verb} Bucket/*/lake/*`)
    const customerRoles = 'sts:AssumeRole arn:AWS::Partition:iam::*:role/CloudOptima*'
    const sendsMl = sendsTo('ml')
    const acts = [...everyRow, `kms:Decrypt DataKey ${inContext}`, customerRoles]
    const answers = [...everyRow, `states:SendTaskSuccess ${stateMachine('remediation')}`]
    const begins = [...everyRow, `states:StartExecution ${stateMachine('remediation')}`, 'sqs:SendMessage DeadLetters']
    const reacts = [...everyRow, sendsTo('remediation'), 'sqs:SendMessage DeadLetters']
    const timers = [
      'iam:PassRole TimersRole if StringEquals iam:PassedToService scheduler.amazonaws.com',
      ...['Create', 'Delete', 'Update'].map(
        (verb) =>
          `scheduler:${verb}Schedule arn:AWS::Partition:scheduler:us-east-1:my-account:schedule/cloudoptima-production/*`,
      ),
    ]
    const mails = [
      ...everyRow,
      `${identity('example.com')} ${fromUs}`,
      `${identity('no-reply@example.com')} ${fromUs}`,
      'sqs:SendMessage DeadLetters',
    ]
    const needed: Record<string, string[]> = {
      RemediationPlan: acts,
      RemediationCheck: acts,
      RemediationAct: acts,
      RemediationUndo: acts,
      RemediationAsk: answers,
      RemediationRemind: everyRow,
      RemediationSettle: everyRow,
      RemediationGiveUp: everyRow,
      RemediationInterrupt: everyRow,
      RemediationAnnounce: [...everyRow, sendsTo('processing')],
      RemediationMeasure: [...everyRow, 's3:GetObject Bucket/*/lake/*', 's3:ListBucket Bucket'],
      BeginExecution: begins,
      ReactToAnomaly: reacts,
      ReactToRecommendation: reacts,
      ReactToResource: reacts,
      ReactToThreshold: reacts,
      SetTimer: [...everyRow, ...timers, 'sqs:SendMessage DeadLetters'],
      CountExecution: reacts,
      Remediation: [
        ...everyRow,
        ...timers,
        ...consumes('remediation'),
        sendsTo('remediation'),
        's3:GetObject Bucket/*/lake/*',
        's3:ListBucket Bucket',
      ],
      BeginRollback: begins,
      DecideExecution: [...answers, 'sqs:SendMessage DeadLetters'],
      AskApprovers: mails,
      FollowExecution: [...everyRow, 'sqs:SendMessage DeadLetters'],
      BillsNormalize: [
        ...everyRow,
        ...removal,
        's3:AbortMultipartUpload Bucket/*/lake/*',
        's3:DeleteObject Bucket/*/uploads/*',
        's3:GetObject Bucket/*/lake/*',
        's3:GetObject Bucket/*/raw/*',
        's3:PutObject Bucket/*/lake/*',
        's3:PutObject Bucket/*/raw/*/manifest.json',
      ],
      BillsRecordFailure: everyRow,
      RemoveCanceled: [
        ...everyRow,
        ...['lake', 'raw', 'uploads'].map((name) => `s3:DeleteObject Bucket/*/${name}/*`),
        's3:ListBucket Bucket',
        'sqs:SendMessage DeadLetters',
      ],
      WriteTimeSeries: [
        ...everyRow,
        's3:GetObject Bucket/*/lake/*',
        'sqs:SendMessage DeadLetters',
        'timestream:DescribeEndpoints *',
        'timestream:WriteRecords arn:AWS::Partition:timestream:us-east-1:my-account:database/costs/table/daily',
      ],
      RemovePurged: [...everyRow, ...removal, 'sqs:SendMessage DeadLetters'],
      SendMail: mails,
      Collect: [...everyRow, ...collectQueues, 'sqs:SendMessage DeadLetters'],
      RequestAnalysis: [...everyRow, sendsMl, 'sqs:SendMessage DeadLetters'],
      RequestAdvice: [...everyRow, sendsMl, 'sqs:SendMessage DeadLetters'],
      Advice: [...everyRow, sendsMl, 'sqs:SendMessage DeadLetters'],
      JudgeAgain: [...everyRow, sendsMl, 'sqs:SendMessage DeadLetters'],
      JudgePurged: [...everyRow, sendsMl, 'sqs:SendMessage DeadLetters'],
      PlanSources: [...everyRow, ...collectQueues, 'sqs:SendMessage DeadLetters'],
      CollectAws: collector('collect-aws', ...forBills, customerRoles),
      CollectAzure: collector('collect-azure', ...forBills),
      CollectGcp: collector('collect-gcp', ...forBills),
      Ml: [
        ...everyRow,
        ...consumes('ml'),
        sendsMl,
        ...['lake', 'price-lists'].map((name) => `s3:GetObject Bucket/*/${name}/*`),
        's3:ListBucket Bucket',
      ],
      Processing: collector(
        'processing',
        ...forRows,
        's3:DeleteObject Bucket/*/price-lists/*',
        's3:PutObject Bucket/*/price-lists/*',
        customerRoles,
        sendsTo('processing'),
      ),
      ExchangeRates: [...everyRow, 'sqs:SendMessage DeadLetters'],
      Relay: [...everyRow, 'sqs:SendMessage DeadLetters'],
      Anchor: [...everyRow, ...anchors, 'sqs:SendMessage DeadLetters'],
      Sweep: [
        ...everyRow,
        ...removal,
        's3:DeleteObject Bucket/*/answers/*',
        's3:DeleteObject Bucket/*/uploads/*',
        ...timers,
        'sqs:SendMessage DeadLetters',
        ...['bills', 'remediation'].map((workflow) => `states:DescribeExecution ${execution(workflow)}`),
        `states:StartExecution ${stateMachine('bills')}`,
      ],
      Requests: [
        ...everyRow,
        ...anchors,
        `kms:Decrypt DataKey ${inContext}`,
        `kms:GenerateDataKey DataKey ${inContext}`,
        's3:GetObject Bucket/*/answers/*',
        's3:GetObject Bucket/*/imports/*',
        's3:GetObject Bucket/*/raw/*/manifest.json',
        's3:GetObject Bucket/*/templates/*',
        's3:ListBucket Bucket',
        's3:PutObject Bucket/*/answers/*',
        's3:PutObject Bucket/*/raw/*',
        's3:PutObject Bucket/*/templates/*',
        ...['DeleteObject', 'GetObject', 'PutObject'].map((action) => `s3:${action} Bucket/*/uploads/*`),
        'secretsmanager:GetSecretValue SigningKeys',
        ...['bills', 'remediation'].flatMap((workflow) =>
          ['Describe', 'Stop'].map((verb) => `states:${verb}Execution ${execution(workflow)}`),
        ),
        `states:StartExecution ${stateMachine('bills')}`,
        ...collectQueues,
        customerRoles,
      ],
      Query: [
        ...everyRow,
        `kms:Decrypt DataKey ${inContext}`,
        's3:GetObject Bucket/*/answers/*',
        's3:GetObject Bucket/*/lake/*',
        's3:PutObject Bucket/*/answers/*',
        'secretsmanager:GetSecretValue SigningKeys',
        sendsTo('processing'),
        customerRoles,
      ],
      RotateKeys: ['DescribeSecret', 'GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage'].map(
        (action) => `secretsmanager:${action} SigningKeys`,
      ),
      SetTier: tables,
    }
    const {
      BillsMachineRole: _,
      RemediationMachineRole: __,
      TimersRole,
      RestCloudWatchRole,
      Operator,
      ...roles
    } = grants(production)
    expect(roles).toEqual(
      Object.fromEntries(Object.entries(needed).map(([name, lines]) => [`${name}Role`, beside(name, lines)])),
    )
    expect(RestCloudWatchRole).toEqual([])
    expect(TimersRole).toEqual(['sqs:SendMessage Remediation'])
    expect(Operator).toEqual(['lambda:InvokeFunction SetTier'])
  })

  test('the rehearsal grants the same, but for what the emulator cannot hold against a request', () => {
    const withoutConditions = (lines: string[] = []) =>
      new Set(
        lines.map((line) =>
          line
            .replace(/ if .*/, '')
            .replace(/^(ses:SendEmail|states:SendTaskSuccess) .*/, '$1 *')
            .replace(/(?<=^scheduler:.*:schedule\/)default(?=\/)/, 'cloudoptima-production')
            .replace(/(?<=[:/]cloudoptima-)rehearsal(?=[-/])/, 'production'),
        ),
      )
    const [all, rehearsed] = [grants(production), grants(rehearsal)]
    for (const role of Object.keys(all))
      expect([role, withoutConditions(rehearsed[role])]).toEqual([role, withoutConditions(all[role])])
  })

  test('only a rehearsal has additional rows, with the grants that they name', () => {
    const functions = Object.keys(grants(rehearsal)).filter((name) => name.startsWith('Demo'))
    expect(functions.toSorted()).toEqual(
      ['DemoArrival', 'DemoFanOutAsk', 'DemoFanOutMachine', 'DemoFanOutWeigh', 'DemoParcels', 'DemoTick'].map(
        (name) => `${name}Role`,
      ),
    )
    expect(grants(rehearsal)['DemoTickRole']?.filter((line) => line.includes('demo-parcels'))).toEqual([
      'sqs:SendMessage arn:AWS::Partition:sqs:us-east-1:my-account:cloudoptima-rehearsal-demo-parcels',
    ])
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
