import type { S3Client } from '@aws-sdk/client-s3'
import type { Delivery } from './exports.ts'
import type { ReadPermission } from './read-grants.ts'
import { attempt } from './refusal.ts'
import { type Session, settings } from './session.ts'

/**
 * The missing permissions to read one of the deliveries, by real calls, because the simulation ignores bucket policies.
 */
export async function missingOnBuckets(session: Session, deliveries: readonly Delivery[]): Promise<ReadPermission[]> {
  const tried = await Promise.all(deliveries.map((delivery) => missing(session, delivery)))
  return tried.toSorted((a, b) => a.length - b.length)[0] ?? []
}

async function missing(session: Session, { bucket, prefix, region }: Delivery): Promise<ReadPermission[]> {
  const { S3Client, ListObjectsV2Command } = await import('@aws-sdk/client-s3')
  const client = new S3Client({ ...settings(session, region), forcePathStyle: session.endpoint !== undefined })
  const listed = await attempt('s3:ListObjectsV2', () =>
    client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 })),
  )
  const key = listed.kind === 'answered' ? listed.answer.Contents?.[0]?.Key : undefined
  const isRead = await canRead(client, bucket, key ?? `${prefix}/cloudoptima-verification`)
  return [
    ...(listed.kind === 'denied' ? (['s3:ListBucket'] as const) : []),
    ...(isRead ? [] : (['s3:GetObject'] as const)),
  ]
}

/** A missing object is `rejected` for callers that may list the bucket, and `denied` for others. */
async function canRead(client: S3Client, bucket: string, key: string): Promise<boolean> {
  const { GetObjectCommand } = await import('@aws-sdk/client-s3')
  const got = await attempt('s3:GetObject', async () => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: 'bytes=0-0' }))
    await Body?.transformToByteArray()
  })
  return got.kind !== 'denied'
}
