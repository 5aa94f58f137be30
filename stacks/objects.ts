import { use } from 'sst/constructs'
import { anyOrganization, type Extra, type Grant } from './grants.ts'
import { pattern } from './stage.ts'
import { Storage } from './storage.ts'

/** Patterns such as `*\/raw/*`: the raw bills of every organization. */
export function objects(actions: string[], ...patterns: string[]): Grant {
  const { bucket } = use(Storage)
  return { actions, resources: patterns.map((pattern) => bucket.arnForObjects(pattern)), because: anyOrganization }
}

/** Nobody may change or delete one. */
export function anchors(): Required<Extra> {
  const { anchors } = use(Storage)
  const because = pattern('A key begins with the organization, and holds a number and a hash.', {
    regex: String.raw`/^Resource::<Anchors[^>]*\.Arn>\/\*$/`,
  })
  return {
    environment: { ANCHORS_BUCKET_NAME: anchors.bucketName },
    grants: [
      { actions: ['s3:ListBucketVersions'], resources: [anchors.bucketArn] },
      { actions: ['s3:PutObject'], resources: [anchors.arnForObjects('*')], because },
    ],
  }
}

export function listObjects(): Grant {
  return { actions: ['s3:ListBucket'], resources: [use(Storage).bucket.bucketArn] }
}
