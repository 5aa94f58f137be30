import type { App } from 'sst/constructs'

/** Settings of all stacks, before the first one. */
export function prepare(app: App): void {
  // CDK's default is an ACL, which a bucket with enforced ownership refuses.
  app.node.setContext('@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy', true)
}

/** Removes SST's function for source maps, after the last stack. */
export function trim(app: App): void {
  for (const stack of app.node.children) stack.node.tryRemoveChild('CustomResourceHandler')
}
