import { randomBytes } from 'node:crypto'
import { Fault } from '@cloudoptima/core'
import type { AccessOptions, AwsKeys } from '../../access/options.ts'
import { attempt } from './refusal.ts'
import { ownSettings } from './session.ts'

/** Undefined if AWS refuses. */
export type Assume = (roleArn: string, externalId?: string) => Promise<AwsKeys | undefined>

// Errors about our own credentials, not about the customer's role.
const ourOwn = new Set([
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
])

/** For the shortest time that AWS allows; throws Fault `unavailable` if our own credentials are refused. */
export async function assumer(options: AccessOptions): Promise<Assume> {
  const { STSClient, AssumeRoleCommand } = await import('@aws-sdk/client-sts')
  const sts = new STSClient(ownSettings(options))
  await ownCredentials(sts.config.credentials)
  return async (roleArn, externalId) => {
    const outcome = await attempt('sts:AssumeRole', () =>
      sts.send(
        new AssumeRoleCommand({
          RoleArn: roleArn,
          RoleSessionName: 'cloudoptima-verification',
          DurationSeconds: 900,
          ...(externalId !== undefined && { ExternalId: externalId }),
        }),
      ),
    )
    if (outcome.kind !== 'answered') {
      if (ourOwn.has(outcome.code)) throw noCredentials()
      return undefined
    }
    const { AccessKeyId, SecretAccessKey, SessionToken } = outcome.answer.Credentials ?? {}
    if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined) return undefined
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken }
  }
}

/** A role that accepts a wrong id with the right beginning accepts any id, or a pattern such as `cloudoptima-*`. */
export function otherExternalId(externalId: string): string {
  return `${externalId.slice(0, Math.floor(externalId.length / 2))}${randomBytes(16).toString('hex')}`
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
