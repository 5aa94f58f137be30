import { RemovalPolicy } from 'aws-cdk-lib'
import {
  AccessLogFormat,
  type CfnRestApi,
  EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  RestApi,
  type IResource,
} from 'aws-cdk-lib/aws-apigateway'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { NagSuppressions } from 'cdk-nag'
import type { GatewayPath } from '@cloudoptima/api'
import type { Function, Stack } from 'sst/constructs'
import { alarm } from './alarms.ts'
import { gatewayProblems } from './gateway-problems.ts'
import { settings } from './settings.ts'
import { isRehearsal, logs } from './stage.ts'

/** Who answers: operations that need the lake, and all others. */
interface Functions {
  lake: Function
  other: Function
}

/** API Gateway gives up on a function after this long. */
export const longestAnswer = '29 seconds'

/** What stands in front of every path of the API, at its own address. A domain of the customer's has nothing there. */
const prefix = 'api'

/**
 * The API before it knows its functions, which are told its address. A REST API, because the web ACL can stand before no HTTP API. Whoever asks reaches the
 * function: the application refuses everything without a token.
 */
export function edge(stack: Stack, stage: string) {
  const format = Object.entries(accessLog).map(([name, value]) => `"${name}":"${value}"`)
  const rest = new RestApi(stack, 'Rest', {
    restApiName: `cloudoptima-${stage}`,
    endpointTypes: [EndpointType.REGIONAL],
    // All bodies pass as they are; without it, pictures arrive as base64.
    binaryMediaTypes: ['*/*'],
    // One role of the account, for the access logs of all its REST APIs: those of other stages would fall silent with it.
    cloudWatchRole: true,
    cloudWatchRoleRemovalPolicy: isRehearsal(stage) ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    deployOptions: {
      stageName: prefix,
      tracingEnabled: true,
      throttlingRateLimit: 200,
      throttlingBurstLimit: 400,
      accessLogDestination: new LogGroupLogDestination(new LogGroup(stack, 'RestLogs', logs(stage))),
      accessLogFormat: AccessLogFormat.custom(`{${format.join()}}`),
    },
  })
  acceptNewTlsOnly(rest)
  gatewayProblems(rest)
  alarm(stack, 'RestErrors', {
    metric: rest.metricServerError(),
    from: 5,
    because:
      'The API answered 5 or more requests with 5xx within 5 minutes: see the log groups of Requests, Query and the API.',
  })
  // Its stage is written out: to refer to it would make the functions wait for the routes, and those for the functions.
  const own = `https://${rest.restApiId}.execute-api.${stack.region}.${stack.urlSuffix}/${prefix}`
  return {
    rest,
    url: settings().apiUrl ?? own,
    route: (paths: GatewayPath[], functions: Functions) => route(rest, paths, functions),
  }
}

/**
 * TLS 1.3 alone; API Gateway's own choice would take 1.0. A domain that is mapped to the API is held to the same, and STRICT refuses a Host that is not the one
 * that TLS was spoken with. https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies.html
 */
function acceptNewTlsOnly(rest: RestApi): void {
  const own = rest.node.defaultChild as CfnRestApi
  own.securityPolicy = 'SecurityPolicy_TLS13_1_3_2025_09'
  // This version of CDK has no property for it, CloudFormation wants it with such a policy.
  own.addPropertyOverride('EndpointAccessMode', 'STRICT')
}

function route(rest: RestApi, paths: GatewayPath[], { lake, other }: Functions): void {
  for (const { path, method, needs } of paths) {
    const resource = path
      .split('/')
      .reduce<IResource>((at, part) => (part === '' ? at : (at.getResource(part) ?? at.addResource(part))), rest.root)
    resource.addMethod(
      method,
      new LambdaIntegration(needs === 'lake' ? lake : other, { scopePermissionToMethod: false }),
    )
  }
  const application =
    'The application checks the token of each request, and lets none through without but those of operations that are said to be public.'
  NagSuppressions.addResourceSuppressions(
    rest,
    [
      { id: 'AwsSolutions-APIG4', reason: application },
      { id: 'AwsSolutions-COG4', reason: `The tokens are our own, not those of Cognito. ${application}` },
      {
        id: 'AwsSolutions-APIG2',
        reason:
          'The application holds every request against the schema of its operation, and says what is wrong field by field.',
      },
      {
        id: 'AwsSolutions-APIG6',
        reason:
          'Execution logs go to a log group that API Gateway makes by itself and that never forgets. Access logs, traces and the logs of the functions say the same.',
      },
      {
        id: 'AwsSolutions-IAM4',
        reason: 'API Gateway accepts no role for logs that holds less than this policy of AWS.',
        appliesTo: ['Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs'],
      },
    ],
    true,
  )
}

/** No header and no query: they hold tokens. */
const accessLog = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  ip: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  path: '$context.path',
  status: '$context.status',
  tls: '$context.tlsVersion',
  waf: '$context.waf.status',
  bytes: '$context.responseLength',
  latencyMs: '$context.responseLatency',
  error: '$context.error.responseType',
}
