import type { Row } from '@cloudoptima/core'
import { use, type Function, type Stack } from 'sst/constructs'
import { Events } from '../events.ts'
import { lambda } from '../function.ts'
import { Storage } from '../storage.ts'
import { extraOf } from './grants.ts'
import { handlerOf } from './wiring.ts'

/** It may use the tables and publish events. */
export function rowFunction(stack: Stack, stage: string, row: Row): Function {
  const { state, tables } = use(Storage)
  const { busEnvironment, giveUp, publish } = use(Events)
  const { environment = {}, grants = [] } = extraOf(row.name, stack, stage)
  const isInvokedByEvent = row.kind === 'subscription' || row.kind === 'schedule'
  return lambda(stack, row.id, {
    handler: handlerOf(row),
    ...(row.lake && { carries: ['duckdb' as const] }),
    memorySize: row.memoryMb ?? 512,
    timeout: `${row.timeoutSeconds ?? 60} seconds`,
    ...(row.diskMb && { diskSize: `${row.diskMb} MB` as const }),
    environment: { ...state, ...busEnvironment, WIRED_TO: row.name, ...environment },
    reserved: row.reserved,
    grants: [...tables, publish, ...(isInvokedByEvent ? [giveUp] : []), ...grants],
  })
}
