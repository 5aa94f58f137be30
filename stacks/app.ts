import { pathToFileURL } from 'node:url'
import type { App } from 'sst/constructs'
import { shareBuilds } from './builds.ts'
import { runtime } from './function.ts'
import { type Addition, add } from './rows/wiring.ts'
import { settings } from './settings.ts'
import { isRehearsal } from './stage.ts'

export async function prepare(app: App): Promise<void> {
  // CDK's default is an ACL, which a bucket with enforced ownership refuses.
  app.node.setContext('@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy', true)
  shareBuilds(runtime)
  const { addition } = settings()
  if (!isRehearsal(app.stage) || addition === undefined) return add(undefined)
  const { default: more } = (await import(pathToFileURL(addition).href)) as { default: Addition }
  add(more)
}

/** Removes SST's function for source maps, after the last stack. */
export function trim(app: App): void {
  for (const stack of app.node.children) stack.node.tryRemoveChild('CustomResourceHandler')
}
