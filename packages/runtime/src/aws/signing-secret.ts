import {
  GetSecretValueCommand,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from '@aws-sdk/client-secrets-manager'
import { Fault } from '@cloudoptima/core'
import * as KeySet from '../tokens/key-set.ts'

/** Throws Fault `unavailable` before the first rotation. */
export function secretReader(config: SecretsManagerClientConfig, SecretId: string): () => Promise<KeySet.Info> {
  const client = new SecretsManagerClient(config)
  return async () => {
    const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId }))
    if (!isKeySet(SecretString))
      throw new Fault('unavailable', 'The signing keys of this deployment do not exist yet. Try again in a minute.')
    return KeySet.parse(SecretString)
  }
}

/** False for CloudFormation's random first value; true also for a damaged key set, which must not be replaced. */
export function isKeySet(text: string): boolean {
  return text.startsWith('{') && text.includes('"keys"')
}
