/** `everyMinutes` counts from 1970-01-01T00:00Z: each clock agrees on its times. Cron has five parts. */
export type Timing = { everyMinutes: number } | { cron: string; timeZone: string }

export interface Timer {
  /** Of the policy that it wakes. */
  id: string
  timing: Timing
}

declare module './tables.ts' {
  interface Tables {
    /** Of one machine; on AWS they lie in EventBridge Scheduler. */
    timers: Table<Timer & { dueAt: string }>
  }
}

/** The queue that has their messages. */
export const timerQueue = 'remediation'

/** At each of its times a timer sends {@link timerMessage} to the queue, at least once. */
export interface Timers {
  /** Idempotent; replaces the timer with this id. */
  put(orgId: string, timer: Timer): Promise<void>
  /** Idempotent. */
  remove(orgId: string, id: string): Promise<void>
}

/** Without the time that is due: the consumer knows it from the policy, whatever fires the timer. */
export const timerMessage = (policyId: string) => ({ policyId, trigger: { type: 'schedule' as const } })
