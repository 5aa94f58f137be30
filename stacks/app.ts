import type { App } from 'sst/constructs'

/** Settings of all stacks; call it before the first stack. */
export function prepare(app: App): void {
  // A bucket policy allows access logs. The default of CDK is an ACL, which a bucket with enforced ownership refuses.
  app.node.setContext('@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy', true)
}

/** Removes the function that SST adds to every stack for source maps, which we do not upload. Call it after the last stack. */
export function trim(app: App): void {
  for (const stack of app.node.children) stack.node.tryRemoveChild('CustomResourceHandler')
}
