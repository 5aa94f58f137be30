import type { Account } from './account.ts'
import { poll, type Ask } from './api.ts'

interface Setup {
  external_id: string
  principal: string
  template: string
}

interface Connected {
  id: string
  account_id: string
  status: string
  verification_status: string
}

/** Connects the emulated account itself, by the role that our template makes in it; answers its ids, here and there. */
export async function connectAws(user: Ask, account: Account): Promise<{ id: string; awsId: string }> {
  const { external_id, principal, template } = await user<Setup>('POST', '/v1/cloud-accounts/aws/setup', 201, {})
  const role_arn = await deploy(account, template, { ExternalId: external_id, PrincipalArn: principal })
  // The emulator holds this one permission against no role, so that only a grant on all matches.
  const PolicyDocument = JSON.stringify({
    Statement: [{ Effect: 'Allow', Action: 'iam:SimulatePrincipalPolicy', Resource: '*' }],
  })
  await account.query('iam', 'PutRolePolicy', '2010-05-08', {
    RoleName: 'CloudOptimaRead',
    PolicyName: 'simulate',
    PolicyDocument,
  })
  await user('POST', '/v1/cloud-accounts/aws', 422, { role_arn, external_id: 'of-our-own-making-0123456789' })
  const found = await user<Connected>('POST', '/v1/cloud-accounts/aws', 201, { role_arn, external_id })
  if (found.verification_status !== 'verified' || found.status !== 'active')
    throw new Error(`not verified: ${JSON.stringify(found)}`)
  return { id: found.id, awsId: found.account_id }
}

/** Makes a stack of it, as a customer does from our link; answers its output RoleArn. */
async function deploy(account: Account, TemplateBody: string, parameters: Record<string, string>): Promise<string> {
  const StackName = 'customer-cloudoptima'
  const cloudformation = async (action: string, more: object = {}) =>
    await account.query('cloudformation', action, '2010-05-15', { StackName, ...more })
  const named = Object.entries(parameters).flatMap(([key, value], index) => [
    [`Parameters.member.${index + 1}.ParameterKey`, key],
    [`Parameters.member.${index + 1}.ParameterValue`, value],
  ])
  await cloudformation('CreateStack', {
    TemplateBody,
    'Capabilities.member.1': 'CAPABILITY_NAMED_IAM',
    ...(Object.fromEntries(named) as object),
  })
  const description = await poll(
    async () => await cloudformation('DescribeStacks'),
    (xml) => !xml.includes('_IN_PROGRESS'),
  )
  const [, arn] = /<OutputKey>RoleArn<\/OutputKey>\s*<OutputValue>([^<]+)</.exec(description) ?? []
  if (!description.includes('<StackStatus>CREATE_COMPLETE<') || !arn)
    throw new Error(`the customer's stack: ${description}`)
  return arn
}
