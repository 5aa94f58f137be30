import { type Context, noOrganization } from '@cloudoptima/core'
import * as z from 'zod'

declare module '../../packages/core/src/effects/tables.ts' {
  interface Tables {
    /** Each function of the demonstration leaves a mark, so that its effect can be seen. */
    demoMarks: Table<{ id: string; token?: string }>
  }
}

/** The subscriber. A second delivery of the event leaves the same mark. */
export async function noteArrival({ orgId, runtime }: Context, { id }: { id: string }): Promise<void> {
  await runtime.tables.demoMarks.put(orgId, { id: `event/${id}` })
}

/** The schedule, which gives work to the queue. */
export async function tick({ now, runtime }: Context): Promise<void> {
  const minute = now().toISOString().slice(0, 16)
  await runtime.queues.send('demo-chores', { chore: minute } satisfies z.input<typeof Chore>)
  await runtime.tables.demoMarks.put(noOrganization, { id: `schedule/${minute}` })
}

/** The message of the queue. */
export const Chore = z.object({ chore: z.string() })

/** The consumer. */
export async function doChore({ orgId, runtime }: Context, { chore }: z.output<typeof Chore>): Promise<void> {
  await runtime.tables.demoMarks.put(orgId, { id: `queue/${chore}` })
}

/** The input of an iteration of the Map. */
export const Item = z.object({ run: z.string(), grams: z.number() })

/** The step of each iteration. */
export async function weigh({ orgId, runtime }: Context, { run, grams }: z.output<typeof Item>) {
  await runtime.tables.demoMarks.put(orgId, { id: `weighed/${run}/${grams}` })
  return { kilograms: grams / 1000 }
}

/** The input of the task that waits for its token. */
export const Question = z.object({ run: z.string(), token: z.string() })

/** Keeps the token for the answer. */
export async function ask({ orgId, runtime }: Context, { run, token }: z.output<typeof Question>): Promise<void> {
  await runtime.tables.demoMarks.put(orgId, { id: `asked/${run}`, token })
}
