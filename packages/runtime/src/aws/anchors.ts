import {
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import { type Anchor, type Anchors, BlobKey } from '@cloudoptima/core'

const placeOf = (sequence: number) => String(sequence).padStart(12, '0')
const pattern = /\/(\d{12})-([0-9a-f]{64})$/

/** Anchors as keys `{organization}/{sequence}-{hash}`; versions, because a delete marker would hide a locked object. */
export function createAnchors(config: S3ClientConfig, Bucket: string): Anchors {
  const client = new S3Client({ ...config, forcePathStyle: config.endpoint !== undefined })

  async function* anchors(Prefix: string): AsyncGenerator<Anchor> {
    let from: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {}
    while (from) {
      const found: ListObjectVersionsCommandOutput = await client.send(
        new ListObjectVersionsCommand({ Bucket, Prefix, ...from }),
      )
      for (const { Key = '', LastModified } of found.Versions ?? []) {
        const [, sequence, hash = ''] = pattern.exec(Key) ?? []
        if (sequence !== undefined)
          yield { sequence: Number(sequence), hash, at: (LastModified ?? new Date(0)).toISOString() }
      }
      from = found.IsTruncated
        ? { KeyMarker: found.NextKeyMarker, VersionIdMarker: found.NextVersionIdMarker }
        : undefined
    }
  }

  return {
    async put(orgId, { sequence, hash }) {
      const Key = BlobKey.of(orgId, `${placeOf(sequence)}-${hash}`)
      for await (const _ of anchors(Key)) return
      await client.send(new PutObjectCommand({ Bucket, Key, Body: '', ContentLength: 0 }))
    },
    list: async (orgId) => await Promise.resolve(anchors(BlobKey.prefixOf(orgId, ''))),
  }
}
