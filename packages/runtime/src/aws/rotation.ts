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
type Request = z.infer<typeof Request>

/** Runs one step of the rotation of the signing keys; each step is idempotent. */
export async function rotateSecret(
  event: unknown,
  config: SecretsManagerClientConfig = {},
  now = () => new Date(),
): Promise<void> {
  const request = Request.parse(event)
  const client = new SecretsManagerClient(config)
  const { RotationEnabled, VersionIdsToStages = {} } = await client.send(
    new DescribeSecretCommand({ SecretId: request.SecretId }),
  )
  if (!RotationEnabled) throw new Error(`Rotation of ${request.SecretId} is disabled. Enable it in Secrets Manager.`)
  const stages = VersionIdsToStages[request.ClientRequestToken]
  if (!stages) throw new Error(`${request.SecretId} has no version ${request.ClientRequestToken}`)
  // A repeated call after finishSecret.
  if (stages.includes('AWSCURRENT')) return
  if (!stages.includes('AWSPENDING'))
    throw new Error(`Version ${request.ClientRequestToken} of ${request.SecretId} is not pending`)
  const current = Object.entries(VersionIdsToStages).find(([, each]) => each.includes('AWSCURRENT'))?.[0]
  switch (request.Step) {
    case 'createSecret':
      return await create(client, request, now())
    case 'setSecret':
      // No other service stores the keys.
      return undefined
    case 'testSecret':
      return void KeySet.parse((await pending(client, request)) ?? '')
    case 'finishSecret':
      return await finish(client, request, current)
  }
}

async function create(client: SecretsManagerClient, request: Request, now: Date): Promise<void> {
  const { SecretId, ClientRequestToken } = request
  // The pending keys may be tested already.
  if ((await pending(client, request)) !== undefined) return
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSCURRENT' }))
  const keySet = isKeySet(SecretString) ? KeySet.rotated(KeySet.parse(SecretString), now) : KeySet.fresh(now)
  await client.send(
    new PutSecretValueCommand({
      SecretId,
      ClientRequestToken,
      SecretString: JSON.stringify(keySet),
      VersionStages: ['AWSPENDING'],
    }),
  )
}

async function pending(
  client: SecretsManagerClient,
  { SecretId, ClientRequestToken }: Request,
): Promise<string | undefined> {
  try {
    return (
      await client.send(
        new GetSecretValueCommand({ SecretId, VersionId: ClientRequestToken, VersionStage: 'AWSPENDING' }),
      )
    ).SecretString
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined
    throw error
  }
}

async function finish(
  client: SecretsManagerClient,
  { SecretId, ClientRequestToken }: Request,
  current: string | undefined,
): Promise<void> {
  await client.send(
    new UpdateSecretVersionStageCommand({
      SecretId,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: ClientRequestToken,
      ...(current && { RemoveFromVersionId: current }),
    }),
  )
}
