import { open, readFile, stat } from 'node:fs/promises'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  type CompletedPart,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { BlobKey, Fault, type Blobs } from '@cloudoptima/core'

/** Above S3's minimum of 5 MiB, below the 11 MiB that the embedded S3 takes in one request. */
const partBytes = 8 * 1024 * 1024
const partsAtOnce = 4

interface Target {
  Bucket: string
  Key: string
}

/** All objects in one bucket; the organization leads every key. */
export function createBlobs(config: S3ClientConfig, Bucket: string): Blobs {
  const connection = { ...config, forcePathStyle: config.endpoint !== undefined }
  const client = new S3Client(connection)
  // A signed URL must not carry the checksum of a body that nobody has seen yet.
  const signer = new S3Client({ ...connection, requestChecksumCalculation: 'WHEN_REQUIRED' })
  const at = (orgId: string, key: string): Target => ({ Bucket, Key: BlobKey.of(orgId, key) })
  return {
    async put(orgId, key, body, contentType) {
      await client.send(
        new PutObjectCommand({ ...at(orgId, key), Body: body, ...(contentType && { ContentType: contentType }) }),
      )
    },
    putFile: async (orgId, key, path) => await putFile(client, at(orgId, key), path),
    get: async (orgId, key) => await (await getBody(client, at(orgId, key))).transformToByteArray(),
    stream: async (orgId, key) => (await getBody(client, at(orgId, key))) as unknown as AsyncIterable<Uint8Array>,
    list: async (orgId, prefix) =>
      await Array.fromAsync(list(client, { Bucket, Key: BlobKey.beginning(orgId, prefix) }, orgId.length + 1)),
    async remove(orgId, key) {
      await client.send(new DeleteObjectCommand(at(orgId, key)))
    },
    // The length is among the signed headers: S3 refuses a body of another.
    uploadUrl: async (orgId, key, expiresSeconds, bytes) =>
      await getSignedUrl(signer, new PutObjectCommand({ ...at(orgId, key), ContentLength: bytes }), {
        expiresIn: expiresSeconds,
      }),
    downloadUrl: async (orgId, key, expiresSeconds) =>
      await getSignedUrl(signer, new GetObjectCommand(at(orgId, key)), { expiresIn: expiresSeconds }),
  }
}

async function getBody(client: S3Client, target: Target) {
  try {
    const { Body } = await client.send(new GetObjectCommand(target))
    if (!Body) throw new Error(`S3 answered without a body for ${target.Key}`)
    return Body
  } catch (error) {
    if (error instanceof NoSuchKey) throw new Fault('not_found', `There is no object ${target.Key}.`)
    throw error
  }
}

async function* list(client: S3Client, { Bucket, Key }: Target, prefixLength: number) {
  for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix: Key })) {
    for (const object of page.Contents ?? [])
      yield { key: (object.Key ?? '').slice(prefixLength), bytes: object.Size ?? 0 }
  }
}

async function putFile(client: S3Client, target: Target, path: string): Promise<void> {
  const { size } = await stat(path)
  if (size <= partBytes) await client.send(new PutObjectCommand({ ...target, Body: await readFile(path) }))
  else await putParts(client, target, path, Math.ceil(size / partBytes))
}

async function putParts(client: S3Client, target: Target, path: string, count: number): Promise<void> {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(target))
  const upload = { ...target, UploadId }
  try {
    const parts = await uploadParts(client, upload, path, count)
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }))
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(upload))
    throw error
  }
}

async function uploadParts(
  client: S3Client,
  upload: Target & { UploadId: string | undefined },
  path: string,
  count: number,
): Promise<CompletedPart[]> {
  await using file = await open(path)
  const parts: CompletedPart[] = []
  let next = 0
  const worker = async () => {
    while (next < count) {
      const index = next++
      const buffer = Buffer.allocUnsafe(partBytes)
      const { bytesRead } = await file.read(buffer, 0, partBytes, index * partBytes)
      const PartNumber = index + 1
      const { ETag, ...sums } = await client.send(
        new UploadPartCommand({ ...upload, PartNumber, Body: buffer.subarray(0, bytesRead) }),
      )
      parts[index] = { ETag, PartNumber, ...(sums.ChecksumCRC32 && { ChecksumCRC32: sums.ChecksumCRC32 }) }
    }
  }
  await Promise.all(Array.from({ length: Math.min(partsAtOnce, count) }, worker))
  return parts
}
