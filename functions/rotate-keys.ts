import { rotateSecret } from '@cloudoptima/runtime/rotation'
import middy from '@middy/core'
import { observed } from './observability.ts'

/** The steps of Secrets Manager's rotation of the keys that sign access tokens. */
export const handler = middy((event: unknown) => rotateSecret(event)).use(observed())
