import middy from '@middy/core'
import { createApp } from '@cloudoptima/api'
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch'
import {
  Actor,
  type Blobs,
  type Clouds,
  type Event,
  type Lake,
  type Log,
  noOrganization,
  QueueMessage,
  type Row,
  rowOf,
  type Runtime,
  type Wiring,
} from '@cloudoptima/core'
import { createLog, createRuntime, makeContext, noLake } from '@cloudoptima/runtime'
import type { Context as Invocation, SQSEvent, SQSRecord } from 'aws-lambda'
import type { Context as Call } from 'hono'
import { handle } from 'hono/aws-lambda'
import * as z from 'zod'

type MakeLake = (blobs: Blobs) => Lake

// Longer than one organization should take.
const reserveMs = 3 * 60_000

/** The function of the row of the wiring table that the variable `WIRED_TO` names. */
export function wired(wiring: Wiring, lake: MakeLake = noLake) {
  return middy(handlerOf(rowOf(wiring, named('WIRED_TO')), runtimeOf(lake))).use(logged(createLog()))
}

function handlerOf(row: Row, runtime: Runtime): (event: unknown, invocation: Invocation) => Promise<unknown> {
  const contextOf = (orgId: string, requestId: string) =>
    makeContext({ orgId, actor: Actor.system(row.name), requestId, runtime })
  switch (row.kind) {
    case 'step':
      return async (event, { awsRequestId }) => await row.run(contextOf(Input.parse(event).orgId, awsRequestId), event)
    case 'subscription':
      return async (given, { awsRequestId }) => {
        const { detail } = Delivery.parse(given)
        await row.run(contextOf(detail.orgId, awsRequestId), detail as unknown as Event)
      }
    case 'schedule':
      return async (_, invocation) => {
        const isOutOfTime = () => invocation.getRemainingTimeInMillis() < reserveMs
        await row.run(contextOf(noOrganization, invocation.awsRequestId), isOutOfTime)
      }
    case 'consumer':
      return async (event) => {
        const batch = new BatchProcessor(EventType.SQS)
        const consume = async ({ body }: SQSRecord) =>
          await QueueMessage.consume(({ orgId, requestId }) => contextOf(orgId, requestId), row.queue, row, body)
        // Only the messages that failed come again.
        return await processPartialResponse(event as SQSEvent, consume, batch, { throwOnFullBatchFailure: false })
      }
    default:
      return row satisfies never
  }
}

const Input = z.looseObject({ orgId: z.string().min(1) })
const Delivery = z.object({ detail: z.looseObject({ id: z.string(), name: z.string(), orgId: z.string() }) })

/** Where the API is reached from outside. */
const publicUrl = (): string => named('API_URL')

/** The HTTP API behind API Gateway. */
export function http(lake: MakeLake = noLake) {
  const corsOrigins = (process.env['CORS_ORIGINS'] ?? '').split(',').filter((origin) => origin !== '')
  const app = createApp({
    runtime: runtimeOf(lake),
    log: createLog(),
    address: sourceOf,
    publicUrl: publicUrl(),
    corsOrigins,
  })
  return handle(app)
}

/** As API Gateway saw the connection: its REST APIs say it in one place, its HTTP APIs in another. */
function sourceOf({ env }: Call): string | undefined {
  const { requestContext } = (
    env as { event: { requestContext: { identity?: { sourceIp?: string }; http?: { sourceIp?: string } } } }
  ).event
  return requestContext.identity?.sourceIp ?? requestContext.http?.sourceIp
}

function runtimeOf(lake: MakeLake) {
  const { BUS_NAME, STATE_MACHINES, QUEUES, KMS_KEY_ARN, SIGNING_KEYS_ARN, MAIL_FROM, API_URL } = process.env
  return createRuntime({
    tableName: named('TABLE_NAME'),
    bucketName: named('BUCKET_NAME'),
    ...(BUS_NAME && { busName: BUS_NAME }),
    ...(STATE_MACHINES && { stateMachineArn: (workflow: string) => `${STATE_MACHINES}${workflow}` }),
    ...(QUEUES && { queueUrl: (queue: string) => `${QUEUES}${queue}` }),
    ...(KMS_KEY_ARN && { kmsKeyId: KMS_KEY_ARN }),
    ...(SIGNING_KEYS_ARN && { signingKeysSecretId: SIGNING_KEYS_ARN }),
    ...(MAIL_FROM && { mailFrom: MAIL_FROM }),
    ...(API_URL && { tokenIssuer: API_URL, publicUrl: () => API_URL }),
    clouds: cloudsOf,
    lake,
  })
}

/** Customers' clouds, loaded when one is asked. `CLOUD_ENDPOINTS` names servers that stand in for them, in the rehearsal. */
async function cloudsOf(): Promise<Clouds> {
  const { createClouds, endpointsOf } = await import('@cloudoptima/providers/access')
  const { CLOUD_ENDPOINTS, AWS_REGION } = process.env
  return createClouds({
    ...(CLOUD_ENDPOINTS && { endpoints: endpointsOf(CLOUD_ENDPOINTS) }),
    ...(AWS_REGION && { awsRegion: AWS_REGION }),
  })
}

function named(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`This function was deployed without ${name}`)
  return value
}

/** A failure is logged before whoever woke the function hears of it. */
export function logged(log: Log): middy.MiddlewareObj<unknown, unknown> {
  return {
    onError: ({ error, context }) =>
      log.error('a task failed', { requestId: context.awsRequestId, function: context.functionName, error }),
  }
}
