import { RemovalPolicy } from 'aws-cdk-lib'
import {
  AccessLogFormat,
  type CfnRestApi,
  EndpointType,
  LogGroupLogDestination,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import type { Stack } from 'sst/constructs'
import { alarm } from '../alarms.ts'
import { nameOf } from '../names.ts'
import { settings } from '../settings.ts'
import { isRehearsal, logs } from '../stage.ts'
import { gatewayProblems } from './gateway-problems.ts'

/** API Gateway waits this long for a function. */
export const longestAnswer = '29 seconds'

/** The stage of the REST API: the first part of each path at API Gateway's own address. A custom domain has no such part. */
const prefix = 'api'

/**
 * The REST API without its routes: functions get its address in their environment, and routes need the functions. It is a REST API, because WAF does not
 * protect HTTP APIs. It has no authorizer: the application refuses requests without a token.
 */
export function edge(stack: Stack, stage: string): { rest: RestApi; url: string } {
  const format = Object.entries(accessLog).map(([name, value]) => `"${name}":"${value}"`)
  const rest = new RestApi(stack, 'Rest', {
    restApiName: nameOf(stage),
    endpointTypes: [EndpointType.REGIONAL],
    // Without it, API Gateway changes binary answers such as images to base64.
    binaryMediaTypes: ['*/*'],
    // The AWS account has one role for the access logs of all its REST APIs. To remove the role would stop the logs of other stages.
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
  // A reference to the stage would be a circular dependency: the stage waits for the routes, and the routes wait for the functions.
  const own = `https://${rest.restApiId}.execute-api.${stack.region}.${stack.urlSuffix}/${prefix}`
  return { rest, url: settings().apiUrl ?? own }
}

/**
 * Accepts TLS 1.3 only; the default of API Gateway accepts TLS 1.0. A custom domain of the API has the same minimum. STRICT refuses a Host header that
 * differs from the server name of the TLS handshake.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies.html
 */
function acceptNewTlsOnly(rest: RestApi): void {
  const own = rest.node.defaultChild as CfnRestApi
  own.securityPolicy = 'SecurityPolicy_TLS13_1_3_2025_09'
  // CloudFormation requires this property with such a policy. This version of CDK lacks it.
  own.addPropertyOverride('EndpointAccessMode', 'STRICT')
}

/** No headers and no query: they contain tokens. */
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
