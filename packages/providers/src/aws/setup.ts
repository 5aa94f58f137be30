import { type AwsSetup, Fault } from '@cloudoptima/core'
import type { AccessOptions } from '../access/options.ts'
import { globalRegion, ownSettings } from './access/session.ts'
import { actRoleTemplate, quickCreateUrl, readRoleTemplate } from './templates.ts'

export function awsSetup(options: AccessOptions): AwsSetup {
  const { awsRegion: region = globalRegion } = options
  return {
    templates: async () => ({
      read: JSON.stringify(readRoleTemplate(), null, 2),
      act: JSON.stringify(actRoleTemplate(), null, 2),
    }),
    principal: () => ownAccount(options),
    quickCreateUrl: async (given) => quickCreateUrl(region, given),
  }
}

/** The ARN of our own account, as the principal that a role trusts. */
async function ownAccount(options: AccessOptions) {
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts')
  const client = new STSClient(ownSettings(options))
  try {
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}))
    const partition = Arn?.split(':')[1]
    return Account !== undefined && partition !== undefined ? `arn:${partition}:iam::${Account}:root` : undefined
  } catch (error) {
    // Without own credentials the account is unknown, and the customer names a principal instead.
    if (error instanceof Error && error.name === 'CredentialsProviderError') return undefined
    // The SDK's message may contain the id of our key.
    throw new Fault(
      'unavailable',
      'AWS does not tell the account of this installation. Check the AWS credentials of the installation and try ' +
        'again.',
    )
  } finally {
    client.destroy()
  }
}
