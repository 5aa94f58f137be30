import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
  type SecretsManagerClientConfig,
} from '@aws-sdk/client-secrets-manager'
import * as z from 'zod'
import * as KeySet from '../tokens/key-set.ts'
import { isKeySet } from './signing-secret.ts'

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html */
const Request = z.object({
  Step: z.enum(['createSecret', 'setSecret', 'testSecret', 'finishSecret']),
  SecretId: z.string().min(1),
  ClientRequestToken: z.string().min(1),
})

/** Each step is idempotent. */
export async function rotateSecret(
  event: unknown,
  config: SecretsManagerClientConfig = {},
  now = () => new Date(),
): Promise<void> {
  const { Step, SecretId, ClientRequestToken } = Request.parse(event)
  const client = new SecretsManagerClient(config)
  const secret = await client.send(new DescribeSecretCommand({ SecretId }))
  if (!secret.RotationEnabled) throw new Error(`Rotation of ${SecretId} is disabled. Enable it in Secrets Manager.`)
  const versions = Object.entries(secret.VersionIdsToStages ?? {})
  const stages = versions.find(([id]) => id === ClientRequestToken)?.[1]
  if (!stages) throw new Error(`${SecretId} has no version ${ClientRequestToken}`)
  // A repeated call after finishSecret.
  if (stages.includes('AWSCURRENT')) return
  if (!stages.includes('AWSPENDING')) throw new Error(`Version ${ClientRequestToken} of ${SecretId} is not pending`)
  // Nothing happens at setSecret, because no other service stores the keys.
  if (Step === 'testSecret') KeySet.parse((await pendingKeys(client, SecretId, ClientRequestToken)) ?? '')
  // The pending keys may be tested already.
  if (Step === 'createSecret' && (await pendingKeys(client, SecretId, ClientRequestToken)) === undefined) {
    const SecretString = JSON.stringify(await nextKeys(client, SecretId, now()))
    const pending = { SecretId, ClientRequestToken, SecretString, VersionStages: ['AWSPENDING'] }
    await client.send(new PutSecretValueCommand(pending))
  }
  if (Step === 'finishSecret') {
    const RemoveFromVersionId = versions.find(([, each]) => each.includes('AWSCURRENT'))?.[0]
    const moved = { SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId: ClientRequestToken, RemoveFromVersionId }
    await client.send(new UpdateSecretVersionStageCommand(moved))
  }
}

async function nextKeys(client: SecretsManagerClient, SecretId: string, now: Date): Promise<KeySet.Info> {
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSCURRENT' }))
  return isKeySet(SecretString) ? KeySet.rotated(KeySet.parse(SecretString), now) : KeySet.fresh(now)
}

async function pendingKeys(client: SecretsManagerClient, SecretId: string, VersionId: string) {
  try {
    const wanted = new GetSecretValueCommand({ SecretId, VersionId, VersionStage: 'AWSPENDING' })
    return (await client.send(wanted)).SecretString
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined
    throw error
  }
}
