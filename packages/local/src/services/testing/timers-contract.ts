import { randomUUID } from 'node:crypto'
import type { QueueMessage, Timers } from '@cloudoptima/core'
import { describe, expect, test } from 'vitest'

export interface TimerWorld {
  timers: Timers
  /** Waits, or moves the clock, until the next minute's timers have fired. */
  pass(): Promise<void>
  /** The messages of the queue so far, with their envelopes. */
  messages(): Promise<Omit<QueueMessage.Info, 'id' | 'sentAt'>[]>
}

const org = () => `org_${randomUUID().slice(0, 8)}`
const everyMinute = { everyMinutes: 1 }
const never = { cron: '0 0 29 2 *', timeZone: 'Europe/Zurich' }

/** The contract of timers, over any scheduler. */
export function timersContract(name: string, world: () => TimerWorld): void {
  describe(`timers ${name}`, () => {
    test('fire for their policy and organization until they are removed; a repeated call changes nothing', async () => {
      const { timers, pass, messages } = world()
      const [own, other] = [org(), org()]
      for (let n = 0; n < 2; n++) await timers.put(own, { id: 'pol_1', timing: everyMinute })
      await timers.put(own, { id: 'pol_2', timing: everyMinute })
      await timers.put(own, { id: 'pol_2', timing: never })
      await timers.put(other, { id: 'pol_1', timing: everyMinute })
      for (let n = 0; n < 2; n++) await timers.remove(other, 'pol_1')
      await pass()
      const found = (await messages()).filter(({ orgId }) => orgId === own || orgId === other)
      expect(found.length).toBeGreaterThan(0)
      const wanted = { orgId: own, data: { policyId: 'pol_1', trigger: { type: 'schedule' } } }
      for (const { orgId, data } of found) expect({ orgId, data }).toEqual(wanted)
      await timers.remove(own, 'pol_1')
      await timers.remove(own, 'pol_2')
    }, 300_000)
  })
}
