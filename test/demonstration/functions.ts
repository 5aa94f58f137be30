import { type Context, noOrganization, type Outgoing } from '@cloudoptima/core'
import * as z from 'zod'

declare module '../../packages/core/src/effects/tables.ts' {
  interface Tables {
    /** Each function of the demonstration leaves a mark, which shows its effect. */
    demoMarks: Table<{ id: string; token?: string }>
  }
}

/** The schedule: it sends a message to the queue. */
export async function tick({ now, runtime, tables }: Context): Promise<void> {
  const parcelId = now().toISOString().slice(0, 16)
  await runtime.queues.send('demo-parcels', { parcelId } satisfies z.input<typeof Parcel>)
  await tables.demoMarks.put(noOrganization, { id: `ticked/${parcelId}` })
}

/** The message of the queue. */
export const Parcel = z.object({ parcelId: z.string() })

/** The consumer: its write carries the event. A second delivery of the message carries the same event. */
export async function receive({ now, orgId, tables }: Context, { parcelId }: z.output<typeof Parcel>): Promise<void> {
  const at = now().toISOString()
  const arrived: Outgoing = { id: `evt_${parcelId}`, name: 'demo.arrived', orgId, at, data: { parcelId } }
  await tables.demoMarks.put(orgId, { id: `received/${parcelId}` }, [arrived])
}

/** The subscriber: it is idempotent by the id of the event. */
export async function noteArrival({ orgId, tables }: Context, { id }: { id: string }): Promise<void> {
  await tables.demoMarks.put(orgId, { id: `arrived/${id}` })
}

/** The input of an iteration of the Map. */
export const Item = z.object({ run: z.string(), grams: z.number() })

/** The step of each iteration. */
export async function weigh({ orgId, tables }: Context, { run, grams }: z.output<typeof Item>) {
  await tables.demoMarks.put(orgId, { id: `weighed/${run}/${grams}` })
  return { kilograms: grams / 1000 }
}

/** The input of the task that waits for its token. */
export const Question = z.object({ run: z.string(), token: z.string() })

/** The step that keeps the token for the answer. */
export async function ask({ orgId, tables }: Context, { run, token }: z.output<typeof Question>): Promise<void> {
  await tables.demoMarks.put(orgId, { id: `asked/${run}`, token })
}
