import { type Runtime, Schedule, timerMessage, timerQueue, type Timers, type Timing } from '@cloudoptima/core'

type Stores = Pick<Runtime, 'tables' | 'queues'>

/** Durable: they lie in the table, by the time when they are due. */
export function createTimers({ tables }: Pick<Stores, 'tables'>, now = () => new Date()): Timers {
  return {
    async put(orgId, timer) {
      const dueAt = await dueAfter(timer.timing, now())
      const timing = JSON.stringify(timer.timing)
      await tables.timers.upsert(orgId, timer.id, (found) =>
        // One that is due already still comes.
        found && JSON.stringify(found.timing) === timing ? undefined : { ...timer, dueAt },
      )
    },
    remove: async (orgId, id) => {
      if (await tables.timers.get(orgId, id)) await tables.timers.remove(orgId, id)
    },
  }
}

const never = '9999-12-31T00:00:00.000Z'

async function dueAfter(timing: Timing, now: Date): Promise<string> {
  return (await Schedule.nextTimes(timing, now, 1))[0]?.toISOString() ?? never
}

/** Sends the messages that are due. Times that were missed while the machine was off come once. */
export async function fireTimers({ tables, queues }: Stores, now: Date): Promise<void> {
  for (const { orgId, item } of await tables.timers.due(now.toISOString())) {
    const { id, dueAt, timing } = item
    await queues.send(timerQueue, timerMessage(id), { orgId, deduplicationId: `${id}/${dueAt}` })
    const next = await dueAfter(timing, now)
    await tables.timers.upsert(orgId, id, (found) => (found?.dueAt === dueAt ? { ...found, dueAt: next } : undefined))
  }
}
