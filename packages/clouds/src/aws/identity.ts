import { randomBytes } from 'node:crypto'
import type { AwsRequest } from '@cloudoptima/providers/testing/aws'
import { Refusal } from '../answers.ts'
import { list, type Operation } from './operation.ts'

/** The role that an account trusts the product with. */
export interface AwsRole {
  roleArn: string
  externalId: string
  /** Whether it trusts this one too. */
  trusts?: (externalId: string) => boolean
}

/** The role for actions, which trusts the same external ids. */
export const actRoleOf = ({ roleArn }: Pick<AwsRole, 'roleArn'>): string => roleArn.replace(/Read$/, 'Act')

/** The sessions of roles; signatures are not verified, tokens are. */
export function sessionsOf(roles: Record<string, AwsRole>) {
  const open = new Map<string, { account: string; token: string; canAct: boolean }>()
  return {
    open: ({ input }: AwsRequest) => {
      const asked = input['RoleArn']
      const isAsked = (role: AwsRole) => role.roleArn === asked || actRoleOf(role) === asked
      const [account, role] = Object.entries(roles).find(([, known]) => isAsked(known)) ?? []
      const { ExternalId: externalId } = input
      const isTrusted =
        typeof externalId === 'string' && (role?.externalId === externalId || role?.trusts?.(externalId) === true)
      if (account === undefined || role === undefined || !isTrusted) throw new Refusal('AccessDenied', 403)
      const [id, secret, token] = [8, 20, 64].map((bytes) => randomBytes(bytes).toString('hex'))
      const AccessKeyId = `ASIA${id?.toUpperCase()}`
      open.set(AccessKeyId, { account, token: token ?? '', canAct: actRoleOf(role) === asked })
      // Clients compare it with their own clock.
      const Expiration = new Date(Date.now() + Number(input['DurationSeconds'] ?? 3600) * 1000)
      return { Credentials: { AccessKeyId, SecretAccessKey: secret, SessionToken: token, Expiration } }
    },
    holderOf: ({ request: { headers } }: AwsRequest): { account: string; canAct: boolean } => {
      const session = open.get(/Credential=([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? '')
      if (!session || session.token !== headers['x-amz-security-token']) throw new Refusal('InvalidClientTokenId', 403)
      return session
    },
  }
}

/** Of STS, IAM and Organizations. */
export const identity: Record<string, Operation> = {
  'sts:GetCallerIdentity': ({ account }) => ({
    Account: account,
    Arn: `arn:aws:sts::${account}:assumed-role/CloudOptimaRead/cloudoptima`,
  }),
  'iam:SimulatePrincipalPolicy': ({ input }) => ({
    EvaluationResults: Object.entries(input)
      .filter(([name]) => name.startsWith('ActionNames.'))
      .map(([, EvalActionName]) => ({ EvalActionName, EvalDecision: 'allowed' })),
  }),
  // The account that pays has no alias; its name comes from the organization.
  'iam:ListAccountAliases': ({ account, aws: { estate } }) => ({
    AccountAliases: estate.subAccounts.filter(({ id }) => id === account).map(({ name }) => name),
  }),
  'organizations:DescribeOrganization': ({ aws: { estate } }) => ({
    Organization: { Id: 'o-larkfield00', MasterAccountId: estate.account, FeatureSet: 'ALL' },
  }),
  'organizations:ListAccounts': list('Accounts', ['NextToken', 'NextToken'], ({ aws: { estate } }) =>
    [{ id: estate.account, name: estate.accountName }, ...estate.subAccounts].map(({ id, name }) => ({
      Id: id,
      Name: name,
      Status: 'ACTIVE',
    })),
  ),
}
