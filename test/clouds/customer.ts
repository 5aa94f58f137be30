import { CloudFormationClient, CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam'
import type { AccessOptions, Template } from '@cloudoptima/providers/access'
import { setTimeout as sleep } from 'node:timers/promises'

/** An account of the emulator, which accepts the account number as the root's access key. */
export interface EmulatedAccount {
  endpoint: string
  account: string
}

/** SDK client settings for the root of the account. */
export function asRoot({ endpoint, account }: EmulatedAccount) {
  return { endpoint, region: 'us-east-1', credentials: { accessKeyId: account, secretAccessKey: 'test' } }
}

/** Creates a user that may assume roles, like the product's API function. */
export async function createUser(
  account: EmulatedAccount,
  UserName: string,
): Promise<NonNullable<AccessOptions['awsCredentials']>> {
  const iam = new IAMClient(asRoot(account))
  await iam.send(new CreateUserCommand({ UserName }))
  await iam.send(
    new PutUserPolicyCommand({ UserName, PolicyName: 'assume', PolicyDocument: policy('Allow', 'sts:AssumeRole') }),
  )
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }))
  return { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' }
}

/** Creates a CloudFormation stack in the account and returns its output RoleArn. */
export async function createStack(
  account: EmulatedAccount,
  StackName: string,
  template: Template,
  parameters: Record<string, string>,
): Promise<string> {
  const client = new CloudFormationClient(asRoot(account))
  const Parameters = Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
    ParameterKey,
    ParameterValue,
  }))
  await client.send(
    new CreateStackCommand({
      StackName,
      TemplateBody: JSON.stringify(template),
      Parameters,
      Capabilities: ['CAPABILITY_NAMED_IAM'],
    }),
  )
  for (let attempt = 0; attempt < 100; attempt++) {
    const [stack] = (await client.send(new DescribeStacksCommand({ StackName }))).Stacks ?? []
    if (stack?.StackStatus === 'CREATE_COMPLETE')
      return stack.Outputs?.find(({ OutputKey }) => OutputKey === 'RoleArn')?.OutputValue ?? ''
    if (stack?.StackStatus !== 'CREATE_IN_PROGRESS')
      throw new Error(`The stack ended as ${stack?.StackStatus}: ${stack?.StackStatusReason}`)
    await sleep(100)
  }
  throw new Error(`The stack ${StackName} was not created within 10 s`)
}

/** Allows a role one more action on all resources. */
export async function allow(account: EmulatedAccount, RoleName: string, action: string): Promise<void> {
  await new IAMClient(asRoot(account)).send(
    new PutRolePolicyCommand({ RoleName, PolicyName: 'given', PolicyDocument: policy('Allow', action) }),
  )
}

/** Denies a role these actions while `during` runs. */
export async function withoutActions<Result>(
  account: EmulatedAccount,
  RoleName: string,
  actions: readonly string[],
  during: () => Promise<Result>,
): Promise<Result> {
  const iam = new IAMClient(asRoot(account))
  const PolicyName = 'taken-away'
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: policy('Deny', actions) }))
  try {
    return await during()
  } finally {
    await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }))
  }
}

/** Replaces a role's trust policy. */
export async function trust(
  account: EmulatedAccount,
  RoleName: string,
  principal: string,
  Condition: Record<string, Record<string, string>>,
): Promise<void> {
  const statement = { Effect: 'Allow', Principal: { AWS: principal }, Action: 'sts:AssumeRole', Condition }
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  await new IAMClient(asRoot(account)).send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument }))
}

function policy(Effect: 'Allow' | 'Deny', Action: string | readonly string[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect, Action, Resource: '*' }] })
}
