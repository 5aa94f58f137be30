import { HttpApi, HttpMethod, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { assets } from '@cloudoptima/api'
import { use, type StackContext } from 'sst/constructs'
import { anyOrganisation, lambda } from './function.ts'
import { Pipeline } from './pipeline.ts'
import { logs } from './stage.ts'
import { Storage } from './storage.ts'

/** How one asks: an HTTP API before two functions, of which only the one for costs carries DuckDB. */
export function Api({ app, stack }: StackContext) {
  const { table, bucket, state } = use(Storage)
  const { machine } = use(Pipeline)

  const requests = lambda(stack, 'Requests', {
    handler: 'functions/api.handler',
    memorySize: 1024,
    timeout: '30 seconds',
    environment: { ...state, PIPELINE_ARN: machine.stateMachineArn },
    // The reference looks for them beside the bundle.
    copyFiles: assets.map((name) => ({ from: `packages/api/node_modules/swagger-ui-dist/${name}`, to: `functions/${name}` })),
    grants: [
      { actions: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem'], resources: [table.tableArn] },
      // Uploads go by URLs that this function signs: they can do what it can.
      { actions: ['s3:PutObject'], resources: [bucket.arnForObjects('*/raw/*')], because: anyOrganisation },
      { actions: ['s3:GetObject'], resources: [bucket.arnForObjects('*/imports/*')], because: anyOrganisation },
      { actions: ['s3:ListBucket'], resources: [bucket.bucketArn] },
      { actions: ['states:StartExecution'], resources: [machine.stateMachineArn] },
    ],
  })
  const query = lambda(stack, 'Query', {
    handler: 'functions/query.handler',
    duckdb: true,
    memorySize: 3008,
    diskSize: '6 GB',
    timeout: '30 seconds',
    environment: state,
    grants: [
      { actions: ['dynamodb:GetItem', 'dynamodb:Query'], resources: [table.tableArn] },
      { actions: ['s3:GetObject'], resources: [bucket.arnForObjects('*/lake/*')], because: anyOrganisation },
    ],
  })

  // Until the product knows its users, only those whom the account's IAM lets in can ask.
  const http = new HttpApi(stack, 'Http', {
    createDefaultStage: false,
    defaultAuthorizer: new HttpIamAuthorizer(),
    defaultIntegration: new HttpLambdaIntegration('Requests', requests),
  })
  http.addRoutes({ path: '/v1/costs/{proxy+}', methods: [HttpMethod.ANY], integration: new HttpLambdaIntegration('Query', query) })
  const accessLogs = new LogGroup(stack, 'HttpLogs', logs(app.stage))
  http.addStage('Stage', {
    autoDeploy: true,
    throttle: { rateLimit: 200, burstLimit: 400 },
    accessLogSettings: { destination: new LogGroupLogDestination(accessLogs), format: AccessLogFormat.jsonWithStandardFields() },
  })

  stack.addOutputs({ ApiUrl: http.apiEndpoint })
}
