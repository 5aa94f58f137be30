import type { Account } from './account.ts'
import type { Ask } from './api.ts'
import { costExport } from './export.ts'
import { deployStack } from './stack.ts'

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

/** Connects the emulated account by the role of our template; returns its id in the product and its AWS account id. */
export async function connectAws(user: Ask, account: Account): Promise<{ id: string; awsId: string }> {
  const { external_id, principal, template } = await user<Setup>('POST', '/v1/cloud-accounts/aws/setup', 201, {})
  // A customer does the same with our link.
  const { RoleArn: role_arn = '' } = await deployStack(account, 'customer-cloudoptima', template, {
    ExternalId: external_id,
    PrincipalArn: principal,
    ExportBucket: costExport.bucket,
  })
  // The emulator checks this permission without a resource, so only a grant on all resources matches.
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
    throw new Error(`The account is not verified: ${JSON.stringify(found)}`)
  return { id: found.id, awsId: found.account_id }
}
