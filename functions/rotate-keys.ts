import { rotateSecret } from '@cloudoptima/runtime/rotation'
import middy from '@middy/core'
import { observed } from './observability.ts'

export const handler = middy((event: unknown) => rotateSecret(event)).use(observed())
