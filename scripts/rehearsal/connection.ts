import type { Account } from './account.ts'
import type { Ask } from './api.ts'
import { costExport } from './export.ts'
import { accountId } from './emulator.ts'
import { deployStack } from './stack.ts'

interface Setup {
  external_id: string
  principal: string
  template: string
  act_template: string
}

interface Connected {
  id: string
  account_id: string
  status: string
  verification_status: string
  can_act: boolean
}

export interface ConnectedAccount {
  /** In the product. */
  id: string
  awsId: string
  setup: Setup
}

/** Connects the emulated account by the role of our template. */
export async function connectAws(user: Ask, account: Account): Promise<ConnectedAccount> {
  const setup = await user<Setup>('POST', '/v1/cloud-accounts/aws/setup', 201, {})
  const { external_id, principal, template } = setup
  // A customer does the same with our link.
  const { RoleArn: role_arn = '' } = await deployStack(account, 'customer-cloudoptima', template, {
    ExternalId: external_id,
    PrincipalArn: principal,
    ExportBucket: costExport.bucket,
  })
  // The emulator checks this permission without a resource, so only a grant on all resources matches.
  await grant(account, 'CloudOptimaRead', { 'iam:SimulatePrincipalPolicy': '*' })
  await user('POST', '/v1/cloud-accounts/aws', 422, { role_arn, external_id: 'of-our-own-making-0123456789' })
  const found = await user<Connected>('POST', '/v1/cloud-accounts/aws', 201, { role_arn, external_id })
  if (found.verification_status !== 'verified' || found.status !== 'active')
    throw new Error(`The account is not verified: ${JSON.stringify(found)}`)
  return { id: found.id, awsId: found.account_id, setup }
}

/** Allows actions in the account, by the role of our template for them. */
export async function allowActions(user: Ask, account: Account, { id, setup }: ConnectedAccount): Promise<void> {
  const { RoleArn: role_arn = '' } = await deployStack(account, 'customer-cloudoptima-act', setup.act_template, {
    ExternalId: setup.external_id,
    PrincipalArn: setup.principal,
  })
  // The emulator's ARNs of snapshots have an account, unlike those of AWS; and it checks DeleteTags without a resource.
  const snapshots = `arn:aws:ec2:*:${accountId}:snapshot/*`
  await grant(account, 'CloudOptimaAct', {
    'ec2:CreateVolume': snapshots,
    'ec2:DeleteSnapshot': snapshots,
    'ec2:DeleteTags': '*',
  })
  const { can_act } = await user<Connected>('PUT', `/v1/cloud-accounts/${id}/actions`, 200, { role_arn })
  if (!can_act) throw new Error('The role for actions is stored, but the account cannot act.')
}

/** Adds what the emulator holds against requests in another way than AWS. */
async function grant(account: Account, RoleName: string, resources: Record<string, string>): Promise<void> {
  const Statement = Object.entries(resources).map(([Action, Resource]) => ({ Effect: 'Allow', Action, Resource }))
  const PolicyDocument = JSON.stringify({ Statement })
  await account.query('iam', 'PutRolePolicy', '2010-05-08', { RoleName, PolicyName: 'emulator', PolicyDocument })
}
