import { use } from 'sst/constructs'
import { anyOrganization, type Grant } from './grants.ts'
import { Storage } from './storage.ts'

/** Patterns such as `*\/raw/*`: the raw bills of every organization. */
export function objects(actions: string[], ...patterns: string[]): Grant {
  const { bucket } = use(Storage)
  return { actions, resources: patterns.map((pattern) => bucket.arnForObjects(pattern)), because: anyOrganization }
}

export function listObjects(): Grant {
  return { actions: ['s3:ListBucket'], resources: [use(Storage).bucket.bucketArn] }
}
