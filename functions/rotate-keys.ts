import { rotateSecret } from '@cloudoptima/runtime/rotation'
import middy from '@middy/core'
import { observed } from './observability.ts'

/** Each step of a rotation of the keys that sign access tokens, for Secrets Manager. */
export const handler = middy((event: unknown) => rotateSecret(event)).use(observed())
