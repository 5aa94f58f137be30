import { type IResource, LambdaIntegration, type RestApi } from 'aws-cdk-lib/aws-apigateway'
import { NagSuppressions } from 'cdk-nag'
import type { GatewayPath } from '@cloudoptima/api'
import type { Function } from 'sst/constructs'

interface Functions {
  lake: Function
  other: Function
}

/** Connects each path of the API with its function. */
export function route(rest: RestApi, paths: GatewayPath[], { lake, other }: Functions): void {
  for (const { path, method, needs } of paths) {
    const integration = new LambdaIntegration(needs === 'lake' ? lake : other, { scopePermissionToMethod: false })
    resourceAt(rest, path).addMethod(method, integration)
  }
  const application =
    'The application checks the token of each request. Only operations that are declared public work without one.'
  NagSuppressions.addResourceSuppressions(
    rest,
    [
      { id: 'AwsSolutions-APIG4', reason: application },
      { id: 'AwsSolutions-COG4', reason: `CloudOptima issues its own tokens and uses no Cognito. ${application}` },
      {
        id: 'AwsSolutions-APIG2',
        reason:
          'The application validates each request against the schema of its operation and names each wrong field.',
      },
      {
        id: 'AwsSolutions-APIG6',
        reason:
          'API Gateway creates the log group of execution logs itself, without retention. Access logs, traces and the logs of the functions contain the same.',
      },
      {
        id: 'AwsSolutions-IAM4',
        reason: 'API Gateway accepts no role for logs with fewer permissions than this AWS managed policy.',
        appliesTo: ['Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs'],
      },
    ],
    true,
  )
}

function resourceAt({ root }: RestApi, path: string): IResource {
  const parts = path.split('/').filter((part) => part !== '')
  return parts.reduce<IResource>((at, part) => at.getResource(part) ?? at.addResource(part), root)
}
