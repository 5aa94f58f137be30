import { use } from 'sst/constructs'
import { anyOrganization, type Grant } from './grants.ts'
import { Storage } from './storage.ts'

/** Actions on the objects of these patterns, for instance `*\/raw/*`: the raw bills of every organization. */
export function objects(actions: string[], ...patterns: string[]): Grant {
  const { bucket } = use(Storage)
  return { actions, resources: patterns.map((pattern) => bucket.arnForObjects(pattern)), because: anyOrganization }
}

/** Lists the bucket. */
export function listObjects(): Grant {
  return { actions: ['s3:ListBucket'], resources: [use(Storage).bucket.bucketArn] }
}
