import type { Stack } from 'sst/constructs'
import type { Extra } from '../../stacks/grants.ts'
import { nameOf } from '../../stacks/stage.ts'
import type { Addition } from '../../stacks/rows/wiring.ts'
import { settings } from '../../stacks/settings.ts'
import { demonstration } from './wiring.ts'

/** The rows of the demonstration as the rehearsal deploys them. */
export default {
  wiring: demonstration,
  handler: 'test/demonstration/handler.handler',
  needs: { 'schedules/demo-tick': (stack, stage) => sends(stack, stage, 'demo-parcels') },
} satisfies Addition

/** Sends messages to a queue. Under an emulator's address the SDK sends to the emulator. */
function sends(stack: Stack, stage: string, queue: string): Extra {
  const resources = [stack.formatArn({ service: 'sqs', resource: nameOf(stage, queue) })]
  const origin = settings().endpoint ?? `https://sqs.${stack.region}.${stack.urlSuffix}`
  return {
    environment: { QUEUES: `${origin}/${stack.account}/${nameOf(stage, '')}` },
    grants: [{ actions: ['sqs:SendMessage'], resources }],
  }
}
