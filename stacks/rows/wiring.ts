import { type Row, rowsOf, wiring, type Wiring } from '@cloudoptima/core'
import type { Stack } from 'sst/constructs'
import type { Extra } from '../grants.ts'

/** What a row needs beside the tables and the bus. */
export type Needs = (stack: Stack, stage: string) => Extra

/** Rows that a deployment has beside those of the product. */
export interface Addition {
  wiring: Wiring
  /** The handler of these rows. */
  handler: string
  needs: Record<string, Needs>
}

let addition: Addition | undefined

/** Adds rows to the deployment; call it before the first stack. */
export function add(more: Addition | undefined): void {
  addition = more
}

/** The wiring table of the deployment. */
export function deployedWiring(): Wiring {
  const more = addition?.wiring
  return {
    events: { ...wiring.events, ...more?.events },
    workflows: { ...wiring.workflows, ...more?.workflows },
    subscriptions: { ...wiring.subscriptions, ...more?.subscriptions },
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
