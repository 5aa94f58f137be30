import {
  GetSecretValueCommand,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from '@aws-sdk/client-secrets-manager'
import { Fault } from '@cloudoptima/core'
import * as KeySet from '../tokens/key-set.ts'

/** Reads the signing keys of a deployment from its one secret. Throws Fault `unavailable` while no rotation has made them. */
export function secretReader(config: SecretsManagerClientConfig, SecretId: string): () => Promise<KeySet.Info> {
  const client = new SecretsManagerClient(config)
  return async () => {
    const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId }))
    if (!isKeySet(SecretString))
      throw new Fault('unavailable', 'The keys that sign in users are being made. Try again in a minute.')
    return KeySet.parse(SecretString)
  }
}

/** A secret begins as a random text: CloudFormation can make nothing else. Keys that are there but not whole are a matter of their own. */
export function isKeySet(text: string): boolean {
  return text.startsWith('{') && text.includes('"keys"')
}
