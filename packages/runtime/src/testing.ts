import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export { browse } from './testing/browser.ts'

type Fields = Record<string, unknown>
interface Version {
  value: string | undefined
  stages: string[]
}

/** A fake of KMS, Secrets Manager and SES, limited to the actions that the product uses. */
export interface FakeAws {
  url: string
  /** The bodies of `SendEmail`. */
  mails: Fields[]
  /** Versions of the secret by client request token. */
  versions: Map<string, Version>
  /** Actions of all requests, in order. */
  actions: string[]
  close(): Promise<void>
}

class Refusal extends Error {}

/** Starts the fake on a free port of 127.0.0.1. `secret` is the secret's first value. */
export async function startFakeAws(secret = ''): Promise<FakeAws> {
  const versions = new Map<string, Version>([['first', { value: secret, stages: ['AWSCURRENT'] }]])
  const [mails, actions]: [Fields[], string[]] = [[], []]
  const handlers: Record<string, (input: Fields) => object> = {
    ...kms(),
    ...secretsManager(versions),
    SendEmail: (input) => ({ MessageId: `${mails.push(input)}` }),
  }
  const server = createServer((request, response) => {
    const action =
      request.url === '/v2/email/outbound-emails'
        ? 'SendEmail'
        : (request.headers['x-amz-target']?.toString().split('.')[1] ?? '')
    actions.push(action)
    const answered = text(request).then((body) => handlers[action]?.(JSON.parse(body) as Fields) ?? {})
    answered.then(
      (answer) => response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer)),
      (error: unknown) => {
        const name = error instanceof Refusal ? error.message : String(error)
        response
          .writeHead(400, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': name })
          .end(JSON.stringify({ __type: name, message: name }))
      },
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, mails, versions, actions, close }
}

function kms(): Record<string, (input: Fields) => object> {
  const key = randomBytes(32)
  const bound = (context: unknown) => Buffer.from(JSON.stringify(Object.entries(context ?? {}).toSorted()))
  return {
    GenerateDataKey({ EncryptionContext, KeyId }) {
      const [plain, iv] = [randomBytes(32), randomBytes(12)]
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(bound(EncryptionContext))
      const blob = Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
      return { KeyId, Plaintext: plain.toString('base64'), CiphertextBlob: blob.toString('base64') }
    },
    Decrypt({ EncryptionContext, KeyId, CiphertextBlob }) {
      const blob = Buffer.from(String(CiphertextBlob), 'base64')
      if (blob.length !== 60) throw new Refusal('InvalidCiphertextException')
      const decipher = createDecipheriv('aes-256-gcm', key, blob.subarray(0, 12), { authTagLength: 16 }).setAAD(
        bound(EncryptionContext),
      )
      decipher.setAuthTag(blob.subarray(-16))
      try {
        return {
          KeyId,
          Plaintext: Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()]).toString('base64'),
        }
      } catch {
        throw new Refusal('InvalidCiphertextException')
      }
    },
  }
}

function secretsManager(versions: Map<string, Version>): Record<string, (input: Fields) => object> {
  const withStage = (stage: unknown) => [...versions].find(([, { stages }]) => stages.includes(String(stage)))?.[0]
  return {
    DescribeSecret: () => ({
      RotationEnabled: true,
      VersionIdsToStages: Object.fromEntries([...versions].map(([id, { stages }]) => [id, stages])),
    }),
    GetSecretValue({ VersionId, VersionStage = 'AWSCURRENT' }) {
      const version = versions.get(typeof VersionId === 'string' ? VersionId : (withStage(VersionStage) ?? ''))
      if (version?.value === undefined || !version.stages.includes(String(VersionStage)))
        throw new Refusal('ResourceNotFoundException')
      return { SecretString: version.value }
    },
    PutSecretValue({ ClientRequestToken, SecretString, VersionStages }) {
      const known = versions.get(String(ClientRequestToken))
      // A repeated token must have the same value, as in Secrets Manager.
      if (known?.value !== undefined && known.value !== SecretString) throw new Refusal('ResourceExistsException')
      versions.set(String(ClientRequestToken), { value: String(SecretString), stages: VersionStages as string[] })
      return {}
    },
    UpdateSecretVersionStage({ VersionStage, MoveToVersionId, RemoveFromVersionId }) {
      const [to, from] = [versions.get(String(MoveToVersionId)), versions.get(String(RemoveFromVersionId))]
      if (!to || (withStage(VersionStage) !== undefined && withStage(VersionStage) !== RemoveFromVersionId))
        throw new Refusal('InvalidParameterException')
      if (from) from.stages = ['AWSPREVIOUS']
      to.stages.push(String(VersionStage))
      return {}
    },
  }
}
