import { type Row, rowsOf, wiring, type Wiring } from '@cloudoptima/core'
import { demonstration } from '../../test/demonstration/wiring.ts'
import { isRehearsal } from '../stage.ts'

/** The wiring table of a stage. The rehearsal also deploys the rows of the demonstration. */
export function wiringOf(stage: string): Wiring {
  if (!isRehearsal(stage)) return wiring
  return {
    events: { ...wiring.events, ...demonstration.events },
    workflows: { ...wiring.workflows, ...demonstration.workflows },
    subscriptions: { ...wiring.subscriptions, ...demonstration.subscriptions },
    schedules: { ...wiring.schedules, ...demonstration.schedules },
    queues: { ...wiring.queues, ...demonstration.queues },
  }
}

const demonstrated = new Set(rowsOf(demonstration).map(({ name }) => name))

/** The handler of a row. */
export function handlerOf({ name, lake }: Row): string {
  if (demonstrated.has(name)) return 'test/demonstration/handler.handler'
  return lake ? 'functions/wired-lake.handler' : 'functions/wired.handler'
}
