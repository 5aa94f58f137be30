import { randomBytes } from 'node:crypto'
import { Fault } from '@cloudoptima/core'
import type { AccessOptions, AwsKeys } from '../../access/options.ts'
import { attempt } from './refusal.ts'
import { ownSettings } from './session.ts'

/** Tries to take on a role; undefined when AWS refuses. Throws Fault `unavailable` when AWS does not answer, or does not know ourselves. */
export type Assume = (roleArn: string, externalId?: string) => Promise<AwsKeys | undefined>

// Refusals that speak of our own credentials, not of the customer's role.
const ourOwn = new Set([
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
])

/** Takes on roles with our own credentials, for the shortest time that AWS gives. */
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

/** An external id that is not the customer's but begins like it: a role that takes it takes any, or a pattern (`cloudoptima-*`). */
export function otherExternalId(externalId: string): string {
  return `${externalId.slice(0, Math.floor(externalId.length / 2))}${randomBytes(16).toString('hex')}`
}

async function ownCredentials(credentials: () => Promise<unknown>): Promise<void> {
  try {
    await credentials()
  } catch {
    // The chain's error lists the files and variables that it looked at.
    throw noCredentials()
  }
}

function noCredentials(): Fault {
  return new Fault(
    'unavailable',
    'AWS cannot be asked: this installation has no valid AWS credentials of its own to take on roles with. Whoever runs it can set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  )
}
