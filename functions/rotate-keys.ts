import { createLog } from '@cloudoptima/runtime'
import { rotateSecret } from '@cloudoptima/runtime/rotation'
import middy from '@middy/core'
import { logged } from './host.ts'

/** Each step of a rotation of the keys that sign access tokens, for Secrets Manager. */
export const handler = middy((event: unknown) => rotateSecret(event)).use(logged(createLog()))
