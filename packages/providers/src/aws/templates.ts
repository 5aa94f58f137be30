import { type Grant, readGrants } from './access/read-grants.ts'
import { type ActedOn, type ActGrant, actGrants, protectionTag } from './act-grants.ts'
import type { AwsSetup } from '@cloudoptima/core'

export type Template = ReturnType<typeof roleTemplate>

interface Parameter {
  Type: 'String'
  Description: string
  Default?: string
  AllowedPattern: string
  ConstraintDescription: string
}

interface Statement {
  Effect: 'Allow'
  Action: string | readonly string[]
  Resource: unknown
  Condition?: unknown
}

interface RoleParts {
  description: string
  roleName: string
  policies: readonly unknown[]
  parameters?: Record<string, Parameter>
  conditions?: Record<string, unknown>
}

/** Only our principal can assume the role, and only with the external id. */
function roleTemplate({ description, roleName, policies, parameters = {}, conditions }: RoleParts) {
  return {
    AWSTemplateFormatVersion: '2010-09-09' as const,
    Description: description,
    Parameters: { ...trustParameters(roleName), ...parameters },
    ...(conditions && { Conditions: conditions }),
    Resources: {
      Role: {
        Type: 'AWS::IAM::Role' as const,
        Properties: {
          RoleName: { Ref: 'RoleName' },
          Description: description,
          MaxSessionDuration: 3600,
          AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [trust] },
          Policies: policies,
        },
      },
    },
    Outputs: { RoleArn: { Description: 'Give this ARN to CloudOptima.', Value: { 'Fn::GetAtt': ['Role', 'Arn'] } } },
  }
}

function policy(PolicyName: string, Statement: readonly Statement[]) {
  return { PolicyName, PolicyDocument: { Version: '2012-10-17', Statement } }
}

/** Against the confused deputy: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html */
const trust = {
  Effect: 'Allow',
  Principal: { AWS: { Ref: 'PrincipalArn' } },
  Action: 'sts:AssumeRole',
  Condition: { StringEquals: { 'sts:ExternalId': { Ref: 'ExternalId' } } },
}

function parameter(
  Description: string,
  AllowedPattern: string,
  ConstraintDescription: string,
  Default?: string,
): Parameter {
  return {
    Type: 'String',
    Description,
    AllowedPattern,
    ConstraintDescription,
    ...(Default !== undefined && { Default }),
  }
}

function trustParameters(roleName: string): Record<string, Parameter> {
  return {
    PrincipalArn: parameter(
      'The principal that may assume the role: the account of CloudOptima, or a role in it.',
      String.raw`arn:aws(-cn|-us-gov)?:iam::\d{12}:(root|role/[\w+=,.@/-]+)`,
      'An ARN like arn:aws:iam::123456789012:root.',
    ),
    ExternalId: parameter(
      'The external id that CloudOptima issued for this account. Do not change it.',
      '[A-Za-z0-9_+=,.@:/-]{16,1224}',
      'Give the external id that CloudOptima shows.',
    ),
    // A deployment may assume no role with another name (stacks/grants.ts).
    RoleName: parameter(
      'The name of the role. It must begin with CloudOptima.',
      'CloudOptima[A-Za-z0-9_+=,.@-]{0,53}',
      'CloudOptima, then letters, digits and _+=,.@- only, 64 in all.',
      roleName,
    ),
  }
}

const sub = (text: string) => ({ 'Fn::Sub': text })
const of = (service: string, resource: string, account = '${AWS::AccountId}') =>
  sub(`arn:\${AWS::Partition}:${service}:*:${account}:${resource}*`)

const resources: Record<Grant['on'] | ActedOn, unknown> = {
  any: '*',
  role: sub('arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${RoleName}'),
  export: sub('arn:${AWS::Partition}:bcm-data-exports:us-east-1:${AWS::AccountId}:export/*'),
  buckets: sub('arn:${AWS::Partition}:s3:::*'),
  bucket: sub('arn:${AWS::Partition}:s3:::${ExportBucket}'),
  objects: sub('arn:${AWS::Partition}:s3:::${ExportBucket}/*'),
  instance: of('ec2', 'instance/'),
  volume: of('ec2', 'volume/'),
  // The ARNs of snapshots and images contain no account.
  snapshot: of('ec2', 'snapshot/', ''),
  image: of('ec2', 'image/', ''),
  address: of('ec2', 'elastic-ip/'),
  natGateway: of('ec2', 'natgateway/'),
  subnet: of('ec2', 'subnet/'),
  routeTable: of('ec2', 'route-table/'),
  database: of('rds', 'db:'),
  databaseSnapshot: of('rds', 'snapshot:'),
  table: of('dynamodb', 'table/'),
  function: of('lambda', 'function:'),
  loadBalancer: of('elasticloadbalancing', 'loadbalancer/'),
  listener: of('elasticloadbalancing', 'listener/'),
  listenerRule: of('elasticloadbalancing', 'listener-rule/'),
  scalingGroup: of('autoscaling', 'autoScalingGroup:'),
  cache: of('elasticache', 'cluster:'),
  ecs: of('ecs', ''),
  eks: of('eks', 'cluster/'),
  logGroup: of('logs', 'log-group:'),
  key: of('kms', 'key/'),
  retentionRule: of('rbin', 'rule/'),
}

/** It needs CAPABILITY_NAMED_IAM. */
export function readRoleTemplate(): Template {
  return roleTemplate({
    description: 'Allows CloudOptima to read costs, usage and an inventory of this account, and no changes.',
    roleName: 'CloudOptimaRead',
    policies: [
      policy('read', (['any', 'role', 'export', 'buckets'] as const).map(readStatement)),
      {
        'Fn::If': [
          'HasExportBucket',
          policy('read-export', (['bucket', 'objects'] as const).map(readStatement)),
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

function readStatement(on: Grant['on']): Statement {
  const grants: readonly Grant[] = readGrants
  return {
    Effect: 'Allow',
    Action: grants.filter((grant) => grant.on === on).map(({ permission }) => permission),
    Resource: resources[on],
  }
}

/** It needs CAPABILITY_NAMED_IAM. */
export function actRoleTemplate(): Template {
  return roleTemplate({
    description:
      `Allows CloudOptima to make approved changes in this account, but not to resources tagged ${protectionTag} = ` +
      'true.',
    roleName: 'CloudOptimaAct',
    policies: [policy('act', actStatements())],
  })
}

/**
 * Grants on the same resources share a statement, and so do those with the same condition, because a role has at most
 * 10,240 characters of policies. A resource of another service means nothing to a permission.
 */
function actStatements(): Statement[] {
  const groups = Map.groupBy(actGrants, ({ on, condition }) => JSON.stringify(condition ?? on))
  return [...groups.values()].map(actStatement)
}

function actStatement(grants: readonly ActGrant[]): Statement {
  const Action = grants.map(({ permission }) => permission)
  const on = [...new Set(grants.flatMap((grant) => grant.on))]
  if (on.includes('any')) return { Effect: 'Allow', Action, Resource: resources.any }
  const spared = { StringNotEquals: { [`aws:ResourceTag/${protectionTag}`]: 'true' } }
  return {
    Effect: 'Allow',
    Action,
    Resource: on.map((kind) => resources[kind]),
    Condition: { ...spared, ...grants[0]?.condition },
  }
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-create-stacks-quick-create-links.html */
export function quickCreateUrl(
  region: string,
  { templateUrl, externalId, principal }: Parameters<AwsSetup['quickCreateUrl']>[0],
): string {
  if (!/^[a-z]{2,4}(-[a-z]+)+-\d$/.test(region)) throw new TypeError(`${region} is no AWS region`)
  const query = new URLSearchParams({
    templateURL: templateUrl,
    stackName: 'CloudOptimaRead',
    param_ExternalId: externalId,
    param_PrincipalArn: principal,
  })
  const console = `https://${region}.console.aws.amazon.com/cloudformation/home?region=${region}`
  // The console does not decode + as a space.
  return `${console}#/stacks/quickcreate?${query.toString().replaceAll('+', '%20')}`
}
