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

/** An account in the emulator, which takes an account's number as the key of its root. */
export interface Reach {
  endpoint: string
  account: string
}

/** Settings of any SDK client that acts as the root of the account. */
export function asRoot({ endpoint, account }: Reach) {
  return { endpoint, region: 'us-east-1', credentials: { accessKeyId: account, secretAccessKey: 'test' } }
}

/** A user that may take on roles, as our API function may. */
export async function makeUser(reach: Reach, UserName: string): Promise<NonNullable<AccessOptions['awsCredentials']>> {
  const iam = new IAMClient(asRoot(reach))
  await iam.send(new CreateUserCommand({ UserName }))
  await iam.send(
    new PutUserPolicyCommand({ UserName, PolicyName: 'assume', PolicyDocument: policy('Allow', 'sts:AssumeRole') }),
  )
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }))
  return { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' }
}

/** Creates a stack as the customer would, and answers its output RoleArn. */
export async function createStack(
  reach: Reach,
  StackName: string,
  template: Template,
  parameters: Record<string, string>,
): Promise<string> {
  const client = new CloudFormationClient(asRoot(reach))
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
  throw new Error('The stack was not made within 10 s')
}

/** Gives a role one action more, on everything. */
export async function allow(reach: Reach, RoleName: string, action: string): Promise<void> {
  await new IAMClient(asRoot(reach)).send(
    new PutRolePolicyCommand({ RoleName, PolicyName: 'given', PolicyDocument: policy('Allow', action) }),
  )
}

/** Takes actions away from a role while `during` runs. */
export async function without<Result>(
  reach: Reach,
  RoleName: string,
  actions: readonly string[],
  during: () => Promise<Result>,
): Promise<Result> {
  const iam = new IAMClient(asRoot(reach))
  const PolicyName = 'taken-away'
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: policy('Deny', actions) }))
  try {
    return await during()
  } finally {
    await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }))
  }
}

/** Replaces whom a role trusts, and under which condition. */
export async function trust(
  reach: Reach,
  RoleName: string,
  principal: string,
  Condition: Record<string, Record<string, string>>,
): Promise<void> {
  const statement = { Effect: 'Allow', Principal: { AWS: principal }, Action: 'sts:AssumeRole', Condition }
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  await new IAMClient(asRoot(reach)).send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument }))
}

function policy(Effect: 'Allow' | 'Deny', Action: string | readonly string[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect, Action, Resource: '*' }] })
}
