import {
  DecryptCommand,
  GenerateDataKeyCommand,
  IncorrectKeyException,
  InvalidCiphertextException,
  KMSClient,
  type KMSClientConfig,
} from '@aws-sdk/client-kms'
import { type DataKeys, Envelope } from '@cloudoptima/core'

/** Data keys wrapped by one KMS key, which binds the encryption context to each. */
export function createDataKeys(config: KMSClientConfig, KeyId: string): DataKeys {
  const client = new KMSClient(config)
  return {
    async generate(EncryptionContext) {
      const { Plaintext, CiphertextBlob } = await client.send(
        new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext }),
      )
      if (!Plaintext || !CiphertextBlob) throw new Error('KMS GenerateDataKey returned no key')
      return { key: Plaintext, wrapped: Buffer.from(CiphertextBlob).toString('base64') }
    },
    async unwrap(wrapped, EncryptionContext) {
      try {
        const { Plaintext } = await client.send(
          new DecryptCommand({ KeyId, CiphertextBlob: Buffer.from(wrapped, 'base64'), EncryptionContext }),
        )
        if (!Plaintext) throw new Error('KMS Decrypt returned no key')
        return Plaintext
      } catch (error) {
        const isWrong = error instanceof InvalidCiphertextException || error instanceof IncorrectKeyException
        throw isWrong ? Envelope.unreadable() : error
      }
    },
  }
}
