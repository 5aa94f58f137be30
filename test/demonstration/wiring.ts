import { consumer, step, subscription, type Wiring } from '@cloudoptima/core'
import * as z from 'zod'
import fanOut from './fan-out.asl.json' with { type: 'json' }
import * as Functions from './functions.ts'

const events = { 'demo.arrived': z.object({ parcelId: z.string() }) } as const

/**
 * One row of each kind. They run on one machine in `test/demonstration.test.ts`, and as Lambda functions in the rehearsal. In the product, each takes these files:
 * - an event with a subscriber, 3: the event in `kernel/event.ts`, the function, the row in `wiring/wiring.ts`;
 * - a schedule, 2: the function, the row;
 * - a queue with a consumer, 2: the function with the schema of its message, the row;
 * - a workflow with Map and task token, 3: its ASL, one file with its step functions, the row.
 * A row whose function needs more than the tables and the bus has an entry in `stacks/rows/grants.ts` too. The schedule here sends to a queue: 3 files.
 */
export const demonstration = {
  events,
  subscriptions: { 'demo-arrival': subscription(events, 'demo.arrived', Functions.noteArrival) },
  schedules: { 'demo-tick': { rate: { everyMinutes: 1 }, run: Functions.tick } },
  queues: {
    'demo-parcels': {
      concurrency: 2,
      visibilitySeconds: 5,
      receives: 2,
      consumer: consumer(Functions.Parcel, Functions.receive, { timeoutSeconds: 5 }),
    },
  },
  workflows: {
    'demo-fan-out': {
      definition: fanOut,
      steps: { Weigh: step(Functions.Item, Functions.weigh), Ask: step(Functions.Question, Functions.ask) },
    },
  },
} satisfies Wiring
