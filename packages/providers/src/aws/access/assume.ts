import { randomBytes } from 'node:crypto'
import { Fault } from '@cloudoptima/core'
import type { AccessOptions, AwsKeys } from '../../access/options.ts'
import { attempt } from './refusal.ts'
import { ownSettings, type Role } from './session.ts'

/** Tries to assume a role; undefined if AWS refuses. */
export type Assume = (roleArn: string, externalId?: string) => Promise<TemporaryKeys | undefined>

export interface TemporaryKeys extends AwsKeys {
  expiration?: Date
}

/** By purpose; AWS allows 15 minutes at least, and one hour to roles that assume roles. */
const seconds = { verification: 900, collection: 3600, action: 900 }
export type Purpose = keyof typeof seconds

// Errors about our own credentials, not about the customer's role.
const ourOwn = new Set([
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
])

/** Assumes roles for a purpose; throws Fault `unavailable` if our own credentials are refused. */
export async function assumer(options: AccessOptions, purpose: Purpose = 'verification'): Promise<Assume> {
  const { STSClient, AssumeRoleCommand } = await import('@aws-sdk/client-sts')
  const sts = new STSClient(ownSettings(options))
  await ownCredentials(sts.config.credentials)
  return async (roleArn, externalId) => {
    const outcome = await attempt('sts:AssumeRole', () =>
      sts.send(
        new AssumeRoleCommand({
          RoleArn: roleArn,
          RoleSessionName: `cloudoptima-${purpose}`,
          DurationSeconds: seconds[purpose],
          ...(externalId !== undefined && { ExternalId: externalId }),
        }),
      ),
    )
    if (outcome.kind !== 'answered') {
      if (ourOwn.has(outcome.code)) throw noCredentials()
      return undefined
    }
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = outcome.answer.Credentials ?? {}
    if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined) return undefined
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      ...(Expiration && { expiration: Expiration }),
    }
  }
}

/** A role that accepts a wrong id with the right beginning accepts any id, or a pattern such as `cloudoptima-*`. */
export function otherExternalId(externalId: string): string {
  return `${externalId.slice(0, Math.floor(externalId.length / 2))}${randomBytes(16).toString('hex')}`
}

export function cannotAssume({ arn }: Role) {
  return (
    `AWS does not allow us to assume ${arn}. Check that the role exists, that its name begins with CloudOptima, ` +
    'that its trust policy names our principal and requires exactly this external id, and that no organization ' +
    'policy (SCP) denies sts:AssumeRole. A new role may need a minute.'
  )
}

async function ownCredentials(credentials: () => Promise<unknown>) {
  try {
    await credentials()
  } catch {
    // The error lists files and environment variables.
    throw noCredentials()
  }
}

function noCredentials() {
  return new Fault(
    'unavailable',
    'This installation has no valid AWS credentials to assume roles with. Its operator can set AWS_PROFILE, or ' +
      'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  )
}
