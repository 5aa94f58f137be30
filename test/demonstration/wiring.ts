import { consumer, step, subscription, type Wiring } from '@cloudoptima/core'
import * as z from 'zod'
import fanOut from './fan-out.asl.json' with { type: 'json' }
import * as Functions from './functions.ts'

const events = { 'demo.arrived': z.object({ parcelId: z.string() }) } as const

/**
 * One row of each kind, for one machine and for the rehearsal. In the product an event with a subscriber takes 3 files,
 * a schedule or a queue with a consumer 2, a workflow with Map and task token 3.
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
