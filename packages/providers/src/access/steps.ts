import { isDeepStrictEqual } from 'node:util'
import type { ActionMemory, ActionState, ActionStep } from '@cloudoptima/core'

export const done = (memory: ActionMemory): ActionStep => ({ state: 'done', memory })

/** `says` is a sentence. */
export function goingOn(memory: ActionMemory, waitSeconds: number, says: string): ActionStep {
  return { state: 'going on', memory, waitSeconds, says }
}

/** `message` says why and what to do. */
export function refused(memory: ActionMemory, message: string): ActionStep {
  return { state: 'refused', memory, message }
}

/** A text in a state or in parameters; empty if there is none. */
export function textIn(fields: ActionState | null, name: string): string {
  const value = fields?.[name]
  return typeof value === 'string' ? value : ''
}

/** How a resource differs from the state that it should have, in words. */
export function differences(now: ActionState | undefined, wanted: ActionState | null): string[] {
  if (wanted === null) return now ? ['The resource still exists.'] : []
  if (!now) return ['The resource does not exist.']
  return Object.keys({ ...wanted, ...now })
    .filter((field) => !isDeepStrictEqual(now[field], wanted[field]))
    .map((field) => `${field} is ${shown(now[field])} instead of ${shown(wanted[field])}.`)
}

function shown(value: ActionState[string] | undefined): string {
  if (value === undefined) return 'missing'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
