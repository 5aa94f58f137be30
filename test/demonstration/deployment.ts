import { sends } from '../../stacks/grants.ts'
import type { Addition } from '../../stacks/rows/wiring.ts'
import { demonstration } from './wiring.ts'

/** The rows of the demonstration as the rehearsal deploys them. */
export default {
  wiring: demonstration,
  handler: 'test/demonstration/handler.handler',
  needs: { 'schedules/demo-tick': (stack, stage) => sends(stack, stage, 'demo-parcels') },
} satisfies Addition
