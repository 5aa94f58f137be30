import { type IResource, LambdaIntegration, type RestApi } from 'aws-cdk-lib/aws-apigateway'
import type { GatewayPath } from '@cloudoptima/api'
import type { Function } from 'sst/constructs'
import { accept } from '../stage.ts'

interface Functions {
  lake: Function
  other: Function
}

export function route(rest: RestApi, paths: GatewayPath[], { lake, other }: Functions): void {
  for (const { path, method, needs } of paths) {
    const integration = new LambdaIntegration(needs === 'lake' ? lake : other, { scopePermissionToMethod: false })
    resourceAt(rest, path).addMethod(method, integration)
  }
  const application =
    'The application checks the token of each request. Only operations that are declared public work without one.'
  accept(rest, 'APIG4', application)
  accept(rest, 'COG4', `CloudOptima issues its own tokens and uses no Cognito. ${application}`)
  accept(
    rest,
    'APIG2',
    'The application validates each request against the schema of its operation and names each wrong field.',
  )
  accept(
    rest,
    'APIG6',
    'API Gateway creates the log group of execution logs itself, without retention. Access logs, traces and the logs ' +
      'of the functions contain the same.',
  )
  accept(
    rest,
    'IAM4',
    'API Gateway accepts no role for logs with fewer permissions than this AWS managed policy.',
    'Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs',
  )
}

function resourceAt({ root }: RestApi, path: string): IResource {
  const parts = path.split('/').filter((part) => part !== '')
  return parts.reduce<IResource>((at, part) => at.getResource(part) ?? at.addResource(part), root)
}
