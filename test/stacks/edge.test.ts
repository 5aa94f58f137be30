import { ecbUrl, rowsOf, wiring } from '@cloudoptima/core'
import { kinds } from '../../packages/api/src/problem.ts'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Deployment } from './deployment.ts'
import { synthesise } from './synthesise.ts'

let production: Deployment
let rehearsal: Deployment

beforeAll(async () => {
  production = await synthesise('production', {
    told: { CORS_ORIGINS: 'https://app.example.com, https://example.org', AWS_ENDPOINT_URL: 'https://127.0.0.1' },
  })
  rehearsal = await synthesise('rehearsal', {
    told: { API_URL: 'https://api.example.com', AWS_ENDPOINT_URL: 'https://127.0.0.1' },
  })
})

interface Method {
  ResourceId: { Ref?: string }
  HttpMethod: string
  AuthorizationType: string
  Integration: { Type: string; Uri: unknown }
}

/** The path of a resource of the REST API, by its logical id. */
function pathOf(id: string | undefined): string {
  const found = production.resources('AWS::ApiGateway::Resource').find(([name]) => name === `api/${id}`)?.[1].Properties
  return found ? `${pathOf((found['ParentId'] as { Ref?: string }).Ref)}/${String(found['PathPart'])}` : ''
}

/** The function that an integration's URI names. */
const targetOf = (uri: unknown) => /"Fn::GetAtt":\["(Requests|Query)[0-9A-F]{8}","Arn"\]/.exec(JSON.stringify(uri))?.[1]

describe('routes', () => {
  test('costs, resources, and what the accounts cost, are asked of the function with DuckDB, all else of the one without', () => {
    const methods = production
      .resources('AWS::ApiGateway::Method')
      .map(([, { Properties }]) => Properties as unknown as Method)
    const routes = methods.map(
      ({ HttpMethod, ResourceId, Integration }) =>
        `${HttpMethod} ${pathOf(ResourceId.Ref) || '/'} ${targetOf(Integration.Uri)}`,
    )
    const resources = ['compute', 'database', 'network', 'storage', 'tags/coverage', '{id}']
    const folders = ['compute', 'database', 'network', 'storage', 'tags', 'tags/coverage', '{id}']
    expect(routes.toSorted()).toEqual(
      [
        'ANY / Requests',
        'ANY /v1/cloud-accounts Requests',
        'ANY /v1/cloud-accounts/{proxy+} Requests',
        'ANY /v1/costs Requests',
        ...['by-service', 'changes', 'forecast', 'overview', 'reconciliation', 'restatements'].flatMap((name) => [
          `ANY /v1/costs/${name} Requests`,
          `ANY /v1/costs/${name}/{proxy+} Requests`,
        ]),
        'ANY /v1/costs/{proxy+} Requests',
        'ANY /v1/policies Requests',
        'ANY /v1/policies/preview Requests',
        'ANY /v1/policies/preview/{proxy+} Requests',
        'ANY /v1/policies/{id} Requests',
        'ANY /v1/policies/{id}/execute Requests',
        'ANY /v1/policies/{id}/execute/{proxy+} Requests',
        'ANY /v1/policies/{id}/{proxy+} Requests',
        'ANY /v1/resources Requests',
        ...['bulk-tag', ...folders].flatMap((name) => [
          `ANY /v1/resources/${name} Requests`,
          `ANY /v1/resources/${name}/{proxy+} Requests`,
        ]),
        'ANY /v1/{proxy+} Requests',
        'ANY /{proxy+} Requests',
        'GET /v1/cloud-accounts Query',
        ...['by-service', 'changes', 'forecast', 'overview', 'reconciliation', 'restatements'].map(
          (name) => `GET /v1/costs/${name} Query`,
        ),
        ...resources.map((name) => `GET /v1/resources/${name} Query`),
        'POST /v1/policies/preview Query',
        'POST /v1/policies/{id}/execute Query',
        'POST /v1/resources/bulk-tag Query',
      ].toSorted(),
    )
    expect(methods.filter(({ Integration }) => Integration.Type !== 'AWS_PROXY')).toEqual([])
  })

  test('no authorizer stands before the application, which refuses by itself, and every method says so', () => {
    const methods = production.resources('AWS::ApiGateway::Method')
    expect(methods.map(([, { Properties }]) => Properties['AuthorizationType'])).toEqual(methods.map(() => 'NONE'))
    expect(
      ['AWS::ApiGateway::Authorizer', 'AWS::ApiGatewayV2::Api', 'AWS::Lambda::Url'].flatMap((type) =>
        production.resources(type),
      ),
    ).toEqual([])
    for (const [id, method] of methods)
      expect([id, JSON.stringify(method)]).toEqual([
        id,
        expect.stringContaining('The application checks the token of each request'),
      ])
  })

  test('an answer may take as long as API Gateway waits', () => {
    const limits = production.resources('AWS::Lambda::Function').filter(([id]) => /^api\/(Requests|Query)/.test(id))
    expect(limits.map(([, { Properties }]) => Properties['Timeout'])).toEqual([29, 29])
  })

  test('nothing older than TLS 1.3 reaches it, under no other name', () => {
    for (const stage of [production, rehearsal])
      expect(stage.only('AWS::ApiGateway::RestApi')).toMatchObject({
        SecurityPolicy: 'SecurityPolicy_TLS13_1_3_2025_09',
        EndpointAccessMode: 'STRICT',
      })
  })

  test('requests are traced, throttled, and logged without headers and queries', () => {
    const stage = production.only('AWS::ApiGateway::Stage')
    expect(stage).toMatchObject({
      StageName: 'api',
      TracingEnabled: true,
      MethodSettings: [
        {
          HttpMethod: '*',
          ResourcePath: '/*',
          ThrottlingRateLimit: 200,
          ThrottlingBurstLimit: 400,
          DataTraceEnabled: false,
        },
      ],
    })
    const format = (stage['AccessLogSetting'] as { Format: string }).Format
    expect(JSON.parse(format)).toMatchObject({
      requestId: '$context.requestId',
      ip: '$context.identity.sourceIp',
      path: '$context.path',
    })
    expect(format).not.toMatch(/header|query|body|authorizer/i)
  })

  test('what API Gateway answers by itself has the form and the words of our errors', () => {
    const answers = production.resources('AWS::ApiGateway::GatewayResponse').map(([, { Properties }]) => Properties)
    const types = [
      'DEFAULT_4XX',
      'DEFAULT_5XX',
      'INTEGRATION_TIMEOUT',
      'REQUEST_TOO_LARGE',
      'THROTTLED',
      'WAF_FILTERED',
    ]
    expect(answers.map(({ ResponseType }) => ResponseType).toSorted()).toEqual(types)
    for (const { StatusCode, ResponseTemplates, ResponseParameters } of answers) {
      const problem = JSON.parse((ResponseTemplates as Record<string, string>)['application/json'] ?? '') as Record<
        string,
        unknown
      >
      const code = problem['code'] as keyof typeof kinds
      expect(problem).toEqual({
        type: `/v1/docs/errors#${code}`,
        title: kinds[code].title,
        status: Number(StatusCode),
        detail: expect.stringMatching(/\.$/),
        code,
        requestId: '$context.requestId',
      })
      expect(ResponseParameters).toMatchObject({ 'gatewayresponse.header.Content-Type': "'application/problem+json'" })
    }
  })
})

describe('environment', () => {
  test('functions are told the address of the API: its own, or the one that the stage was given', () => {
    for (const name of ['Requests', 'Query']) {
      expect(JSON.stringify(production.variables(name)['API_URL'])).toMatch(
        /\["https:\/\/",\{"Ref":"Rest\w+"\},"\.execute-api\.us-east-1\.",\{"Ref":"AWS::URLSuffix"\},"\/api"\]/,
      )
      expect(rehearsal.variables(name)['API_URL']).toBe('https://api.example.com')
    }
  })

  test('functions are told whose pages may call, and of nothing that they may not use. Nothing stands in for a cloud but in the rehearsal', () => {
    expect(production.variables('Requests')['CORS_ORIGINS']).toBe('https://app.example.com,https://example.org')
    expect(rehearsal.variables('Requests')['CORS_ORIGINS']).toBe('')
    expect(rehearsal.variables('Requests')['CLOUD_ENDPOINTS']).toBe('{"aws":"https://127.0.0.1"}')
    const names = (of: string) => Object.keys(production.variables(of)).toSorted()
    const everyone = ['TABLE_NAME', 'BUCKET_NAME', 'SIGNING_KEYS_ARN', 'API_URL', 'CORS_ORIGINS']
    expect(names('Query')).toEqual([...everyone, 'BUS_NAME', 'KMS_KEY_ARN', 'QUEUES'].toSorted())
    expect(names('Requests')).toEqual(
      [...everyone, 'ANCHORS_BUCKET_NAME', 'BUS_NAME', 'KMS_KEY_ARN', 'QUEUES', 'STATE_MACHINES'].toSorted(),
    )
    expect(names('RotateKeys')).toEqual(['SIGNING_KEYS_ARN'])
    const everyRow = ['TABLE_NAME', 'BUCKET_NAME', 'BUS_NAME', 'WIRED_TO']
    const timers = ['TIMER_GROUP', 'TIMER_QUEUE_ARN', 'TIMER_ROLE_ARN']
    const more: Record<string, string[]> = {
      Anchor: ['ANCHORS_BUCKET_NAME'],
      SendMail: ['API_URL'],
      AskApprovers: ['API_URL'],
      ...Object.fromEntries(['Plan', 'Check', 'Act', 'Undo'].map((step) => [`Remediation${step}`, ['KMS_KEY_ARN']])),
      ...Object.fromEntries(
        ['RemediationAsk', 'DecideExecution', 'BeginExecution', 'BeginRollback'].map((id) => [id, ['STATE_MACHINES']]),
      ),
      RemediationAnnounce: ['QUEUES'],
      ...Object.fromEntries(
        ['Anomaly', 'Recommendation', 'Resource', 'Threshold'].map((what) => [`ReactTo${what}`, ['QUEUES']]),
      ),
      SetTimer: timers,
      Remediation: ['QUEUES', ...timers],
      CountExecution: ['QUEUES'],
      Sweep: ['STATE_MACHINES', ...timers],
      Collect: ['QUEUES'],
      PlanSources: ['QUEUES'],
      RequestAnalysis: ['QUEUES'],
      RequestAdvice: ['QUEUES'],
      Advice: ['QUEUES'],
      JudgeAgain: ['QUEUES'],
      JudgePurged: ['QUEUES'],
      Ml: ['QUEUES'],
      ExchangeRates: ['EXCHANGE_RATES_URL'],
      Processing: ['KMS_KEY_ARN', 'QUEUES'],
      ...Object.fromEntries(
        ['CollectAws', 'CollectAzure', 'CollectGcp'].map((name) => [name, ['KMS_KEY_ARN', 'STATE_MACHINES']]),
      ),
    }
    expect(production.variables('ExchangeRates')['EXCHANGE_RATES_URL']).toBe(ecbUrl)
    expect(Object.keys(rehearsal.variables('ExchangeRates'))).not.toContain('EXCHANGE_RATES_URL')
    for (const { id, name } of rowsOf(wiring)) {
      expect([id, names(id)]).toEqual([id, [...everyRow, ...(more[id] ?? [])].toSorted()])
      expect(production.variables(id)['WIRED_TO']).toBe(name)
    }
  })
})
