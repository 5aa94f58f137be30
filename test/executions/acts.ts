import { afterEach, beforeEach, vi } from 'vitest'
import { Executions } from '@cloudoptima/core'
import type { Machine } from './machine.ts'

export const [daySeconds, hourSeconds] = [86_400, 3_600]

/** Each test of the file begins on a Monday morning, and passes time itself. */
export function fakeTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: new Date('2026-11-23T08:00:00Z') })
  })
  afterEach(() => {
    vi.useRealTimers()
  })
}

/** The execution, planned and approved by the CFO. */
export async function approved(machine: Machine, given: Parameters<Machine['request']>[0] = {}): Promise<string> {
  const id = await machine.request(given)
  await machine.settle()
  const { planHash } = await machine.execution(id)
  await Executions.approve(machine.as('usr_cfo'), { id, planHash: planHash ?? '' })
  await machine.settle()
  return id
}

export const typesIn = ({ cloud }: Machine): string => [...cloud.instances.values()].map(({ type }) => type).join(' ')
export const statesOf = ({ targets }: { targets: { state: string }[] }): string =>
  targets.map(({ state }) => state).join(' ')
