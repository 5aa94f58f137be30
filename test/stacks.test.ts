import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { events } from '@cloudoptima/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { beside, grants, nameOf } from './stacks/grants.ts'
import { synthesise, type Deployment } from './stacks/synthesise.ts'

const apiHandler = 'functions/api.handler'
let production: Deployment
let rehearsal: Deployment

beforeAll(async () => {
  production = await synthesise('production', [apiHandler])
  rehearsal = await synthesise('rehearsal')
}, 120_000)

describe('security', () => {
  test('cdk-nag AwsSolutions finds nothing, and is told to be silent only with a reason', () => {
    expect(production.findings).toEqual([])
    expect(rehearsal.findings).toEqual([])
    expect(production.reasons.filter((reason) => reason.length < 30)).toEqual([])
  })

  test('each function may do what it needs and no more', () => {
    const { NormalizeRole, AnnounceRole, RecordFailureRole, RequestsRole, QueryRole, ...others } = grants(production)
    expect(NormalizeRole).toEqual(
      beside('Normalize', [
        'dynamodb:GetItem Table',
        'dynamodb:PutItem Table',
        'dynamodb:Query Table',
        's3:AbortMultipartUpload Bucket/*/lake/*',
        's3:DeleteObject Bucket/*/lake/*',
        's3:DeleteObject Bucket/*/raw/*',
        's3:GetObject Bucket/*/imports/*',
        's3:GetObject Bucket/*/raw/*',
        's3:ListBucket Bucket',
        's3:PutObject Bucket/*/imports/*',
        's3:PutObject Bucket/*/lake/*',
        's3:PutObject Bucket/*/raw/*/manifest.json',
      ]),
    )
    expect(AnnounceRole).toEqual(beside('Announce', ['dynamodb:GetItem Table', 'events:PutEvents Bus', 's3:GetObject Bucket/*/imports/*']))
    expect(RecordFailureRole).toEqual(beside('RecordFailure', ['dynamodb:GetItem Table', 'dynamodb:PutItem Table', 's3:GetObject Bucket/*/imports/*']))
    expect(RequestsRole).toEqual(
      beside('Requests', [
        'dynamodb:GetItem Table',
        'dynamodb:PutItem Table',
        'dynamodb:Query Table',
        's3:GetObject Bucket/*/imports/*',
        's3:ListBucket Bucket',
        's3:PutObject Bucket/*/raw/*',
        'states:StartExecution Machine',
      ]),
    )
    expect(QueryRole).toEqual(beside('Query', ['dynamodb:GetItem Table', 'dynamodb:Query Table', 's3:GetObject Bucket/*/lake/*']))
    expect(Object.keys(others)).toEqual(['MachineRole'])
  })

  test('the state machine may invoke its three functions; its only grants on everything are those of log delivery and X-Ray', () => {
    const { MachineRole = [] } = grants(production)
    expect(MachineRole.filter((grant) => grant.startsWith('lambda:'))).toEqual(
      ['Announce', 'Normalize', 'RecordFailure'].map((name) => `lambda:InvokeFunction ${name}`),
    )
    expect(MachineRole.filter((grant) => !/^(lambda:|logs:.*LogDeliver|logs:.*ResourcePolic|logs:DescribeLogGroups |xray:)/.test(grant))).toEqual([])
  })

  test('no action is a pattern', () => {
    const actions = Object.values(grants(production)).flatMap((lines) => lines.map((line) => line.split(' ')[0] ?? ''))
    expect(actions.length).toBeGreaterThan(30)
    expect(actions.filter((action) => action.includes('*'))).toEqual([])
  })

  test('every route wants a signature of the account', () => {
    const routes = production.resources('AWS::ApiGatewayV2::Route')
    expect(routes.map(([, { Properties }]) => [Properties['RouteKey'], Properties['AuthorizationType']])).toEqual([
      ['$default', 'AWS_IAM'],
      ['ANY /v1/costs/{proxy+}', 'AWS_IAM'],
    ])
  })
})

describe('storage', () => {
  test('buckets are encrypted, closed to the public, and refuse plain HTTP', () => {
    const buckets = production.resources('AWS::S3::Bucket')
    expect(buckets).toHaveLength(2)
    const all = { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true }
    for (const [id, { Properties, DeletionPolicy }] of buckets) {
      expect(Properties['PublicAccessBlockConfiguration'], id).toEqual(all)
      expect(JSON.stringify(Properties['BucketEncryption']), id).toContain('AES256')
      expect(DeletionPolicy, id).toBe('Retain')
      expect(
        refusePlainHttp('AWS::S3::BucketPolicy', ({ Bucket }) => [Bucket], id),
        id,
      ).toBe(true)
    }
  })

  test('the table comes back: point-in-time recovery, encryption, deletion protection, and it outlives its stack', () => {
    const tables = production.resources('AWS::DynamoDB::Table').map(([, table]) => table)
    expect(tables).toHaveLength(1)
    expect(tables[0]).toMatchObject({
      DeletionPolicy: 'Retain',
      Properties: {
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
        DeletionProtectionEnabled: true,
      },
    })
  })

  test('a stage that is made to be thrown away leaves nothing behind', () => {
    const keeps = ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::Logs::LogGroup'].flatMap((type) => rehearsal.resources(type))
    expect(keeps.length).toBeGreaterThan(10)
    expect(keeps.filter(([, { DeletionPolicy }]) => DeletionPolicy !== 'Delete').map(([id]) => id)).toEqual([])
  })
})

describe('events', () => {
  test('every event of the product has a rule on our bus, with a dead-letter queue at every target', () => {
    const rules = production.resources('AWS::Events::Rule')
    const patterns = rules.map(([, { Properties }]) => (Properties['EventPattern'] as Record<string, string[]>)['detail-type'])
    expect(patterns).toEqual(expect.arrayContaining(Object.keys(events).map((name) => [name])))
    const targets = rules.flatMap(([, { Properties }]) => Properties['Targets'] as { DeadLetterConfig?: { Arn: unknown } }[])
    expect(targets.map(({ DeadLetterConfig }) => DeadLetterConfig && nameOf(DeadLetterConfig.Arn))).toEqual(targets.map(() => 'DeadLetters'))
  })

  test('queues are encrypted and refuse plain HTTP', () => {
    const queues = production.resources('AWS::SQS::Queue')
    expect(queues.map(([, { Properties }]) => Properties['SqsManagedSseEnabled'])).toEqual([true])
    for (const [id] of queues) expect(refusePlainHttp('AWS::SQS::QueuePolicy', ({ Queues }) => Queues, id)).toBe(true)
  })
})

describe('pipeline', () => {
  test('the state machine is the definition that runs on one machine, with every placeholder filled', () => {
    const [[, machine] = ['']] = production.resources('AWS::StepFunctions::StateMachine')
    const text = readFileSync('packages/core/src/pipeline/pipeline.asl.json', 'utf8')
    expect(machine?.Properties['DefinitionString']).toBe(text)
    const placeholders = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name)
    const substitutions = machine?.Properties['DefinitionSubstitutions'] as Record<string, unknown>
    expect(Object.entries(substitutions).map(([name, value]) => [name, nameOf(value)])).toEqual(placeholders.map((name) => [name, name]))
    expect(machine?.Properties).toMatchObject({ StateMachineType: 'STANDARD', TracingConfiguration: { Enabled: true }, LoggingConfiguration: { Level: 'ALL' } })
  })
})

describe('functions', () => {
  test('every log group forgets, every function writes to one of its own', () => {
    const days = (of: Deployment) => new Set(of.resources('AWS::Logs::LogGroup').map(([, { Properties }]) => Properties['RetentionInDays']))
    expect(days(production)).toEqual(new Set([90]))
    expect(days(rehearsal)).toEqual(new Set([7]))
    const groups = production
      .resources('AWS::Lambda::Function')
      .map(([, { Properties }]) => nameOf((Properties['LoggingConfig'] as { LogGroup: unknown }).LogGroup))
    expect(groups.toSorted()).toEqual(['Announce', 'Normalize', 'Query', 'RecordFailure', 'Requests'].map((name) => `${name}Logs`))
  })

  test('Graviton and Node 24 in an account; the processor of this machine in the rehearsal', () => {
    const settings = (of: Deployment) =>
      new Set(of.resources('AWS::Lambda::Function').map(([, { Properties: p }]) => `${String(p['Architectures'])} ${String(p['Runtime'])}`))
    expect(settings(production)).toEqual(new Set(['arm64 nodejs24.x']))
    expect(settings(rehearsal)).toEqual(new Set([`${process.arch === 'x64' ? 'x86_64' : 'arm64'} nodejs24.x`]))
  })

  test('costs are asked of the function with DuckDB, all else of the one without', () => {
    const [byDefault, costs] = production.resources('AWS::ApiGatewayV2::Route').map(([, { Properties }]) => JSON.stringify(Properties['Target']))
    const target = (id: string) =>
      nameOf(production.resources('AWS::ApiGatewayV2::Integration').find(([found]) => found.includes(id))?.[1].Properties['IntegrationUri'])
    expect(byDefault).toContain('Requests')
    expect(costs).toContain('Query')
    expect([target('Requests'), target('Query')]).toEqual(['Requests', 'Query'])
  })

  test('requests are logged and throttled', () => {
    const stages = production.resources('AWS::ApiGatewayV2::Stage').map(([, { Properties }]) => Properties)
    expect(stages).toHaveLength(1)
    expect(stages[0]).toMatchObject({
      AccessLogSettings: { Format: expect.stringContaining('requestId') },
      DefaultRouteSettings: { ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 },
    })
  })

  test('the bundle of the api function loads less than 1 MB at its start, and no DuckDB ever', () => {
    const folder = production.bundle(apiHandler)
    const chunks = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const)
    expect(chunks.filter(([, text]) => text.includes('@duckdb/')).map(([name]) => name)).toEqual([])
    const atStart = new Set<string>()
    const load = (name: string): void => {
      if (atStart.has(name)) return
      atStart.add(name)
      const text = new Map(chunks).get(name) ?? ''
      for (const [, imported = ''] of text.matchAll(/(?:from|import)"\.\/([\w-]+\.mjs)"/g)) load(imported)
    }
    load('api.mjs')
    const bytes = chunks.filter(([name]) => atStart.has(name)).reduce((sum, [, text]) => sum + text.length, 0)
    process.stdout.write(`api bundle: ${atStart.size} of ${chunks.length} chunks, ${bytes} bytes at start\n`)
    expect(atStart.size).toBeGreaterThan(1)
    expect(bytes).toBeLessThan(1_000_000)
  })

  test('a Lambda gets the DuckDB that the lake is tested with', () => {
    const versions = (file: string) => (JSON.parse(readFileSync(file, 'utf8')) as { dependencies: Record<string, string> }).dependencies
    const wanted = versions('packages/lake/package.json')['@duckdb/node-api']
    expect(Object.values(versions('functions/package.json'))).toEqual([wanted, wanted, wanted])
  })
})

/** Whether the policy of the resource denies everything that does not come over TLS. */
function refusePlainHttp(type: string, subjects: (properties: Record<string, unknown>) => unknown, id: string): boolean {
  const policies = production.resources(type).filter(([, { Properties }]) => isDeepStrictEqual(subjects(Properties), [{ Ref: id.split('/')[1] }]))
  const denial = { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }
  return policies.some(([, { Properties }]) => {
    const { Statement } = Properties['PolicyDocument'] as { Statement: { Effect: string; Condition?: unknown }[] }
    return Statement.some(({ Effect, Condition }) => isDeepStrictEqual({ Effect, Condition }, denial))
  })
}
