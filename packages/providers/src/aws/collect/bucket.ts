import { createWriteStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { Fault } from '@cloudoptima/core'
import { retried } from '../../collect/retry.ts'
import { Failure } from './failure.ts'
import type { Reader } from './reader.ts'

/** An object as it was listed. */
export interface Listed {
  key: string
  etag: string
  bytes: number
  modified: Date
}

/** A bucket of the customer. */
export interface Bucket {
  list(prefix: string, startAfter?: string): Promise<Listed[]>
  /** Throws Fault `conflict` if the object is another one by now. */
  text(object: Listed): Promise<string>
  /** Writes the object to a file; throws Fault `conflict` like `text`. */
  download(object: Listed, path: string): Promise<void>
}

/** A manifest is read whole. */
const mostManifestBytes = 20_000_000

export async function openBucket(reader: Reader, name: string, region: string): Promise<Bucket> {
  const { GetObjectCommand, paginateListObjectsV2, S3Client } = await import('@aws-sdk/client-s3')
  const client = reader.client('s3', S3Client, region)
  const { meter, signal } = reader.access
  const get = async ({ key, etag, bytes }: Listed) => {
    await meter.take({ api: 's3:GetObject', bytes })
    return await restated(client.send(new GetObjectCommand({ Bucket: name, Key: key, IfMatch: etag })))
  }
  const read = async <Result>(object: Listed, consume: (body: Readable) => Promise<Result>): Promise<Result> =>
    await retried(
      async () => {
        const { Body } = await get(object)
        try {
          return await consume(Body as Readable)
        } catch (error) {
          signal.throwIfAborted()
          throw hasFileFailed(error) ? error : new Cut(object.key)
        }
      },
      (error) => error instanceof Cut,
      signal,
    )
  return {
    list: async (Prefix, StartAfter) => {
      const pages = await Array.fromAsync(paginateListObjectsV2({ client }, { Bucket: name, Prefix, StartAfter }))
      return pages.flatMap(({ Contents = [] }) =>
        Contents.flatMap(({ Key: key, ETag: etag, Size: bytes = 0, LastModified: modified = new Date(0) }) =>
          key === undefined || etag === undefined ? [] : [{ key, etag, bytes, modified }],
        ),
      )
    },
    text: async (object) => {
      if (object.bytes > mostManifestBytes)
        throw new Fault('conflict', `${object.key} has ${object.bytes} bytes, which is too large for a manifest.`)
      return await read(object, text)
    },
    download: async (object, path) =>
      await read(object, async (body) => {
        const file = createWriteStream(path)
        await pipeline(body, file, { signal })
        if (file.bytesWritten !== object.bytes) throw new Cut(object.key)
      }),
  }
}

/** A connection that ended before the object did. */
class Cut extends Failure {
  constructor(key: string) {
    const fault = new Fault('unavailable', `S3 sent only a part of ${key}. Try again in a few minutes.`)
    super(fault, 'unavailable', 'Cut', true)
  }
}

/** Whether our own disk is the reason. */
function hasFileFailed(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && ['open', 'write'].includes(String(error.syscall))
}

async function restated<Answer>(call: Promise<Answer>): Promise<Answer> {
  try {
    return await call
  } catch (error) {
    if (error instanceof Failure && ['PreconditionFailed', 'NoSuchKey'].includes(error.awsCode))
      throw new Fault('conflict', 'AWS restates this bill at the moment. The next collection reads it again.')
    throw error
  }
}
