import type { LifecycleRule } from '@aws-sdk/client-s3'

/**
 * Whether a rule is enabled, and holds for each object:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html
 */
export function isForAll({ Status, Prefix, Filter }: LifecycleRule): boolean {
  const { Prefix: filtered, ...narrower } = Filter ?? {}
  return Status === 'Enabled' && !Prefix && !filtered && Object.values(narrower).every((value) => value === undefined)
}
