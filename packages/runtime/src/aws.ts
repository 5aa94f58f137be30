import { Fault, type Blobs, type Bus, type Lake, type Runtime, type Workflows } from '@cloudoptima/core'
import { createCounters } from './counters.ts'
import { connectDynamodb, createTables } from './tables.ts'

/** Where a deployment keeps its things. Without `endpoints` it is AWS itself. */
export interface RuntimeOptions extends Connection {
  endpoints?: Endpoints
  tableName: string
  bucketName: string
  /** Needed by functions that publish. */
  busName?: string
  /** Needed by functions that start a workflow. */
  stateMachineArns?: StateMachineArns
  /** Made over the runtime's own objects; `noLake` for functions that carry no DuckDB. */
  lake: (blobs: Blobs) => Lake
}

/** How an SDK client reaches its service. What is absent the SDK takes from its surroundings, as in a Lambda. */
export interface Connection {
  region?: string
  credentials?: { accessKeyId: string; secretAccessKey: string }
}

/** URLs that stand in for AWS. */
export interface Endpoints {
  dynamodb?: string
  s3?: string
  eventbridge?: string
  stepfunctions?: string
}

export type StateMachineArns = Record<Parameters<Workflows['start']>[0], string>

/** The runtime on AWS, or on servers that speak its protocols. A client is loaded when it is first used, so a function pays for what it does. */
export function createRuntime({ region, credentials, endpoints, tableName, bucketName, busName, stateMachineArns, lake }: RuntimeOptions): Runtime {
  const to = (endpoint: string | undefined) => ({ ...(region && { region }), ...(credentials && { credentials }), ...(endpoint && { endpoint }) })
  const blobs = lazyBlobs(once(async () => (await import('./blobs.ts')).createBlobs(to(endpoints?.s3), bucketName)))
  const dynamodb = connectDynamodb(to(endpoints?.dynamodb))
  return {
    tables: createTables(dynamodb, tableName),
    counters: createCounters(dynamodb, tableName),
    blobs,
    bus: lazyBus(once(async () => (await import('./bus.ts')).createBus(to(endpoints?.eventbridge), given(busName, 'event bus')))),
    workflows: lazyWorkflows(
      once(async () => (await import('./workflows.ts')).createWorkflows(to(endpoints?.stepfunctions), given(stateMachineArns, 'state machines'))),
    ),
    lake: lake(blobs),
  }
}

/** Every use of it is Fault `unavailable`. */
export const noLake = (): Lake => ({
  normalize: () => Promise.reject(new Fault('unavailable', 'This function cannot read bills.')),
  query: () => Promise.reject(new Fault('unavailable', 'This function cannot query costs.')),
  export: () => Promise.reject(new Fault('unavailable', 'This function cannot export costs.')),
})

function lazyBlobs(blobs: () => Promise<Blobs>): Blobs {
  return {
    put: async (...input) => await (await blobs()).put(...input),
    putFile: async (...input) => await (await blobs()).putFile(...input),
    get: async (...input) => await (await blobs()).get(...input),
    stream: async (...input) => await (await blobs()).stream(...input),
    list: async (...input) => await (await blobs()).list(...input),
    remove: async (...input) => await (await blobs()).remove(...input),
    uploadUrl: async (...input) => await (await blobs()).uploadUrl(...input),
  }
}

const lazyBus = (bus: () => Promise<Bus>): Bus => ({ publish: async (event) => await (await bus()).publish(event) })

const lazyWorkflows = (workflows: () => Promise<Workflows>): Workflows => ({ start: async (...input) => await (await workflows()).start(...input) })

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined
  return () => (value ??= make())
}

function given<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new Error(`This function was deployed without the name of its ${name}`)
  return value
}
