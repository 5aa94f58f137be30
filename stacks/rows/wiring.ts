import { optionalSubscriptions, type Row, rowsOf, wiring, type Wiring } from '@cloudoptima/core'
import type { Stack } from 'sst/constructs'
import type { Extra } from '../grants.ts'
import { settings } from '../settings.ts'

export type Needs = (stack: Stack, stage: string) => Extra

/** Rows that a deployment has beside those of the product. */
export interface Addition {
  wiring: Wiring
  handler: string
  needs: Record<string, Needs>
}

let addition: Addition | undefined

export function add(more: Addition | undefined): void {
  addition = more
}

export function deployedWiring(): Wiring {
  const more = addition?.wiring
  const optional = settings().timestreamTable === undefined ? {} : optionalSubscriptions
  return {
    events: { ...wiring.events, ...more?.events },
    workflows: { ...wiring.workflows, ...more?.workflows },
    subscriptions: { ...wiring.subscriptions, ...optional, ...more?.subscriptions },
    schedules: { ...wiring.schedules, ...more?.schedules },
    queues: { ...wiring.queues, ...more?.queues },
  }
}

export function addedNeeds(row: string): Needs | undefined {
  return addition?.needs[row]
}

export function handlerOf({ name, lake }: Row): string {
  if (addition && rowsOf(addition.wiring).some((row) => row.name === name)) return addition.handler
  return lake ? 'functions/wired-lake.handler' : 'functions/wired.handler'
}
