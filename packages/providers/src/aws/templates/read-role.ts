import { type Grant, readGrants } from '../access/read-grants.ts'
import { parameter, policy, roleTemplate, type Statement, type Template } from './template.ts'

const sub = (text: string) => ({ 'Fn::Sub': text })

const resources: Record<Grant['on'], unknown> = {
  any: '*',
  role: sub('arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${RoleName}'),
  export: sub('arn:${AWS::Partition}:bcm-data-exports:us-east-1:${AWS::AccountId}:export/*'),
  buckets: sub('arn:${AWS::Partition}:s3:::*'),
  bucket: sub('arn:${AWS::Partition}:s3:::${ExportBucket}'),
  objects: sub('arn:${AWS::Partition}:s3:::${ExportBucket}/*'),
}

/** The CloudFormation template of the read role; it needs CAPABILITY_NAMED_IAM. */
export function readRoleTemplate(): Template {
  return roleTemplate({
    description: 'Allows CloudOptima to read costs, usage and an inventory of this account, and no changes.',
    roleName: 'CloudOptimaRead',
    policies: [
      policy('read', (['any', 'role', 'export', 'buckets'] as const).map(statement)),
      {
        'Fn::If': [
          'HasExportBucket',
          policy('read-export', (['bucket', 'objects'] as const).map(statement)),
          { Ref: 'AWS::NoValue' },
        ],
      },
    ],
    parameters: {
      ExportBucket: parameter(
        'The bucket of the cost export. Leave it empty if there is no export.',
        '([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?',
        'Give the name of a bucket without s3://, or nothing.',
        '',
      ),
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
