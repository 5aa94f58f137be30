import { createReadStream } from 'node:fs'
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { BlobKey, Fault, type Blobs } from '@cloudoptima/core'

/** S3 takes parts of 5 MiB or more, the embedded S3 at most 11 MiB. */
const partSize = 8 * 1024 * 1024
const partsAtOnce = 4

interface Target {
  Bucket: string
  Key: string
}

export function createBlobs(config: S3ClientConfig, Bucket: string): Blobs {
  const connection = { ...config, forcePathStyle: config.endpoint !== undefined }
  const client = new S3Client(connection)
  // A signed URL must not carry the checksum of a body that nobody has seen yet.
  const signer = new S3Client({ ...connection, requestChecksumCalculation: 'WHEN_REQUIRED' })
  const at = (orgId: string, key: string): Target => ({ Bucket, Key: BlobKey.of(orgId, key) })
  return {
    async put(orgId, key, body, contentType) {
      await client.send(new PutObjectCommand({ ...at(orgId, key), Body: body, ContentType: contentType }))
    },
    async putFile(orgId, key, path) {
      const params = { ...at(orgId, key), Body: createReadStream(path) }
      await new Upload({ client, params, partSize, queueSize: partsAtOnce }).done()
    },
    get: async (orgId, key) => await (await getBody(client, at(orgId, key))).transformToByteArray(),
    stream: async (orgId, key) => (await getBody(client, at(orgId, key))) as unknown as AsyncIterable<Uint8Array>,
    list: async (orgId, prefix) =>
      await Array.fromAsync(list(client, { Bucket, Key: BlobKey.prefixOf(orgId, prefix) }, orgId.length + 1)),
    async remove(orgId, key) {
      await client.send(new DeleteObjectCommand(at(orgId, key)))
    },
    async copy(orgId, from, to) {
      const { Bucket: source, Key } = at(orgId, from)
      const CopySource = `${source}/${Key.split('/').map(encodeURIComponent).join('/')}`
      await found(client.send(new CopyObjectCommand({ ...at(orgId, to), CopySource })), Key)
    },
    // The length is signed: S3 refuses a body of another.
    uploadUrl: async (orgId, key, expiresSeconds, bytes) =>
      await getSignedUrl(signer, new PutObjectCommand({ ...at(orgId, key), ContentLength: bytes }), {
        expiresIn: expiresSeconds,
      }),
    downloadUrl: async (orgId, key, expiresSeconds) =>
      await getSignedUrl(signer, new GetObjectCommand(at(orgId, key)), { expiresIn: expiresSeconds }),
  }
}

async function getBody(client: S3Client, target: Target) {
  const { Body } = await found(client.send(new GetObjectCommand(target)), target.Key)
  if (!Body) throw new Error(`S3 answered without a body for ${target.Key}`)
  return Body
}

async function found<Answer>(answer: Promise<Answer>, key: string): Promise<Answer> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Error && error.name === NoSuchKey.name)
      throw new Fault('not_found', `There is no object ${key}.`)
    throw error
  }
}

async function* list(client: S3Client, { Bucket, Key }: Target, prefixLength: number) {
  for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix: Key })) {
    for (const object of page.Contents ?? [])
      yield { key: (object.Key ?? '').slice(prefixLength), bytes: object.Size ?? 0 }
  }
}
