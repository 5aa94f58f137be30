import { type AwsSetup, Fault } from '@cloudoptima/core'
import type { AccessOptions } from '../access/options.ts'
import { actRoleTemplate } from './templates/act-role.ts'
import { quickCreateUrl } from './templates/quick-create.ts'
import { readRoleTemplate } from './templates/read-role.ts'

/** What a customer's AWS account needs before it can be connected: the roles' templates, who assumes them, and a link that fills it all in. */
export function awsSetup(options: AccessOptions): AwsSetup {
  const { awsRegion: region = 'us-east-1' } = options
  return {
    templates: async () => ({
      read: JSON.stringify(readRoleTemplate(), null, 2),
      act: JSON.stringify(actRoleTemplate(), null, 2),
    }),
    principal: async () => await ownAccount(options),
    quickCreateUrl: async ({ templateUrl, externalId, principal }) =>
      quickCreateUrl({
        region,
        templateUrl,
        stackName: 'CloudOptimaRead',
        parameters: { ExternalId: externalId, PrincipalArn: principal },
      }),
  }
}

/** Our own account, as the principal that a role trusts: which of our functions assume it is then for our own policies to say. */
async function ownAccount({ endpoints, awsRegion, awsCredentials }: AccessOptions): Promise<string | undefined> {
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts')
  const client = new STSClient({
    region: awsRegion ?? 'us-east-1',
    maxAttempts: 2,
    ...(endpoints?.aws !== undefined && { endpoint: endpoints.aws }),
    ...(awsCredentials && { credentials: awsCredentials }),
  })
  try {
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}))
    const partition = Arn?.split(':')[1]
    return Account !== undefined && partition !== undefined ? `arn:${partition}:iam::${Account}:root` : undefined
  } catch (error) {
    // Without credentials of our own there is no account to name; whoever makes the role names one.
    if (error instanceof Error && error.name === 'CredentialsProviderError') return undefined
    // What the SDK says may hold our key's id.
    throw new Fault(
      'unavailable',
      'AWS does not say which account of ours would take on the role. Look at the credentials of this installation, and try again.',
    )
  } finally {
    client.destroy()
  }
}
