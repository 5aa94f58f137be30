import { type Grant, readGrants } from '../access/read-grants.ts'
import { policy, roleTemplate, type Statement, type Template } from './template.ts'

const sub = (text: string) => ({ 'Fn::Sub': text })

const resources: Record<Grant['on'], unknown> = {
  // These calls know no resources: https://docs.aws.amazon.com/service-authorization/latest/reference/
  any: '*',
  role: sub('arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${RoleName}'),
  export: sub('arn:${AWS::Partition}:bcm-data-exports:us-east-1:${AWS::AccountId}:export/*'),
  bucket: sub('arn:${AWS::Partition}:s3:::${ExportBucket}'),
  objects: sub('arn:${AWS::Partition}:s3:::${ExportBucket}/*'),
}

/**
 * The CloudFormation template of the role that reads an account: what `readGrants` lists, and the bucket of its cost export where one is named. It needs
 * the capability CAPABILITY_NAMED_IAM.
 */
export function readRoleTemplate(): Template {
  return roleTemplate({
    description: 'Lets CloudOptima read costs, usage and an inventory of this account. It can change nothing.',
    roleName: 'CloudOptimaRead',
    policies: [
      policy('read', (['any', 'role', 'export'] as const).map(statement)),
      {
        'Fn::If': [
          'HasExportBucket',
          policy('read-export', (['bucket', 'objects'] as const).map(statement)),
          { Ref: 'AWS::NoValue' },
        ],
      },
    ],
    parameters: {
      ExportBucket: {
        Type: 'String',
        Description: 'The bucket that the cost export is delivered to. Leave it empty where there is no export.',
        Default: '',
        AllowedPattern: '([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?',
        ConstraintDescription: 'The name of a bucket, without s3://, or nothing.',
      },
    },
    conditions: { HasExportBucket: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'ExportBucket' }, ''] }] } },
  })
}

function statement(on: Grant['on']): Statement {
  const grants: readonly Grant[] = readGrants
  return {
    Effect: 'Allow',
    Action: grants.filter((grant) => grant.on === on).map(({ permission }) => permission),
    Resource: resources[on],
  }
}
