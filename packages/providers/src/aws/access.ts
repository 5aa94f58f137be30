import type { Provider, Verification } from '@cloudoptima/core'
import type { AccessOptions } from '../access/options.ts'
import { awsActions } from './act/actions.ts'
import { awsActor } from './act/tags.ts'
import { awsCollector } from './collect/collector.ts'
import { providerOf, type CredentialsOf, reached, refused } from '../access/verdict.ts'
import { accountName } from './access/account-name.ts'
import { type Assume, assumer, cannotAssume, otherExternalId } from './access/assume.ts'
import { missingPermissions } from './access/missing-permissions.ts'
import { optionalPermissions, readPurposes } from './access/read-grants.ts'
import { answerOf } from './access/refusal.ts'
import { globalRegion, parseRole, type Role, type Session, settings } from './access/session.ts'

/** Access by a role of the customer that trusts our account and requires the external id. */
export function awsAccess(options: AccessOptions): Provider {
  return providerOf('aws', {
    verify: (credentials) => verify(options, credentials),
    ...awsCollector(options),
    ...awsActor(options),
    actions: awsActions(options),
  })
}

async function verify(options: AccessOptions, { roleArn, externalId }: CredentialsOf<'aws'>): Promise<Verification> {
  const role = parseRole(roleArn)
  if (!role)
    return refused(
      'not_found',
      'This is not the ARN of a role. Give the output RoleArn of the CloudFormation stack, such as ' +
        'arn:aws:iam::123456789012:role/CloudOptimaRead.',
    )
  if (!/^[\w+=,.@:/-]{2,1224}$/.test(externalId))
    return refused(
      'credentials_refused',
      'This external id contains characters that AWS does not allow. Use the external id that was issued for ' +
        'this account.',
    )
  const assume = await assumer(options)
  const credentials = await assume(role.arn, externalId)
  if (!credentials) return refused('credentials_refused', cannotAssume(role))
  if (await isOpen(assume, role, externalId)) return refused('external_id_not_required', openToAll(role))
  const { endpoints, awsRegion = globalRegion } = options
  const session: Session = {
    credentials,
    region: awsRegion,
    ...(endpoints?.aws !== undefined && { endpoint: endpoints.aws }),
  }
  const account = await accountOf(session)
  if (account !== role.account)
    return refused(
      'wrong_account',
      `The role ${role.arn} belongs to another account than its ARN says. Give the ARN of a role in the account ` +
        'to connect.',
    )
  const missing = await missingPermissions(session, role)
  return reached(readPurposes, missing, await accountName(session, role, missing), optionalPermissions)
}

/** Whether anyone who knows the role's ARN could connect the account (confused deputy). */
async function isOpen(assume: Assume, role: Role, externalId: string) {
  const taken = await Promise.all([assume(role.arn), assume(role.arn, otherExternalId(externalId))])
  return taken.some((credentials) => credentials !== undefined)
}

async function accountOf(session: Session) {
  const { STSClient, GetCallerIdentityCommand } = await import('@aws-sdk/client-sts')
  const client = new STSClient(settings(session, session.region))
  return (await answerOf('sts:GetCallerIdentity', () => client.send(new GetCallerIdentityCommand({}))))?.Account
}

function openToAll({ arn }: Role) {
  return (
    `${arn} can be assumed without the external id that was issued for it. Add the condition "StringEquals": ` +
    '{"sts:ExternalId": ...} with exactly this id to its trust policy, or create the role with our CloudFormation ' +
    'template.'
  )
}
