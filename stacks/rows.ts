import type { Row } from '@cloudoptima/core'
import { use, type Function, type Stack } from 'sst/constructs'
import { Events } from './events.ts'
import { lambda } from './function.ts'
import { queues, stateMachines } from './names.ts'
import { grantsOf, type Extra } from './row-grants.ts'
import { Storage } from './storage.ts'

/** The Lambda function of a row of the wiring table. Every one reads and writes the tables, and publishes the events that its writes carry. */
export function rowFunction(stack: Stack, stage: string, row: Row): Function {
  const { state, tables } = use(Storage)
  const { busEnvironment, giveUp, publish } = use(Events)
  const { environment = {}, grants = [] }: Extra = grantsOf(row.name, stack, stage)
  return lambda(stack, row.id, {
    handler: row.lake ? 'functions/wired-lake.handler' : 'functions/wired.handler',
    ...(row.lake && { carries: ['duckdb' as const] }),
    memorySize: row.memoryMb ?? 512,
    timeout: `${row.timeoutSeconds ?? 60} seconds`,
    ...(row.diskMb && { diskSize: `${row.diskMb} MB` as const }),
    environment: {
      ...state,
      ...busEnvironment,
      STATE_MACHINES: stateMachines(stack, stage),
      QUEUES: queues(stack, stage),
      WIRED_TO: row.name,
      ...environment,
    },
    grants: [tables, publish, ...(row.kind === 'subscription' || row.kind === 'schedule' ? [giveUp] : []), ...grants],
  })
}
