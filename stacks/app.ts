import type { App } from 'sst/constructs'

/** What holds for every stack; before the first of them. */
export function prepare(app: App): void {
  // Access logs are let in by the bucket's policy: buckets that belong to their owner alone take no ACL, CDK's default way.
  app.node.setContext('@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy', true)
}

/** Takes out what SST puts into every stack for source maps, which we do not upload: a function with a role of its own. After the last stack. */
export function trim(app: App): void {
  for (const stack of app.node.children) stack.node.tryRemoveChild('CustomResourceHandler')
}
