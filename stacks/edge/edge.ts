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
import { nameOf, isRehearsal, logs } from '../stage.ts'
import { settings } from '../settings.ts'
import { gatewayProblems } from './gateway-problems.ts'

/** API Gateway waits this long for a function. */
export const longestAnswer = '29 seconds'

/** The first part of each path, unless under a custom domain. */
const prefix = 'api'

/** WAF does not protect HTTP APIs, and the application checks the tokens. */
export function edge(stack: Stack, stage: string): { rest: RestApi; url: string } {
  const format = Object.entries(accessLog).map(([name, value]) => `"${name}":"${value}"`)
  const rest = new RestApi(stack, 'Rest', {
    restApiName: nameOf(stage),
    endpointTypes: [EndpointType.REGIONAL],
    // Otherwise binary answers become base64.
    binaryMediaTypes: ['*/*'],
    // All REST APIs of the AWS account share this role.
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
      'The API answered 5 or more requests with 5xx within 5 minutes: see the log groups of Requests, Query and the ' +
      'API.',
  })
  // The stage waits for the routes, and these for the functions: a reference would be circular.
  const own = `https://${rest.restApiId}.execute-api.${stack.region}.${stack.urlSuffix}/${prefix}`
  return { rest, url: settings().apiUrl ?? own }
}

/**
 * STRICT refuses a Host other than the TLS server name;
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies.html
 */
function acceptNewTlsOnly(rest: RestApi) {
  const own = rest.node.defaultChild as CfnRestApi
  own.securityPolicy = 'SecurityPolicy_TLS13_1_3_2025_09'
  // CloudFormation requires it with such a policy; this version of CDK lacks it.
  own.addPropertyOverride('EndpointAccessMode', 'STRICT')
}

/** Headers and queries contain tokens, so neither is logged. */
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
