export type Template = ReturnType<typeof roleTemplate>

interface Parameter {
  Type: 'String'
  Description: string
  Default?: string
  AllowedPattern: string
  ConstraintDescription: string
}

export interface Statement {
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
export function roleTemplate({ description, roleName, policies, parameters = {}, conditions }: RoleParts) {
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

export function policy(PolicyName: string, Statement: readonly Statement[]) {
  return { PolicyName, PolicyDocument: { Version: '2012-10-17', Statement } }
}

/** Against the confused deputy: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html */
const trust = {
  Effect: 'Allow',
  Principal: { AWS: { Ref: 'PrincipalArn' } },
  Action: 'sts:AssumeRole',
  Condition: { StringEquals: { 'sts:ExternalId': { Ref: 'ExternalId' } } },
}

export function parameter(
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
