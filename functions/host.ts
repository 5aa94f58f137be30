import middy from '@middy/core'
import { createApp } from '@cloudoptima/api'
import {
  Actor,
  type Clouds,
  type Context,
  type Event,
  type EventName,
  events,
  type Lake,
  type Blobs,
  type Log,
  noOrganization,
} from '@cloudoptima/core'
import { createLog, createRuntime, makeContext, noLake } from '@cloudoptima/runtime'
import type { Context as Invocation } from 'aws-lambda'
import type { Context as Call } from 'hono'
import { handle } from 'hono/aws-lambda'
import * as z from 'zod'

type MakeLake = (blobs: Blobs) => Lake

/** A state's function: its input names the organization, its failure is logged and left to the state machine. */
export function task<Input, Output>(run: (ctx: Context, input: Input) => Promise<Output>, lake: MakeLake = noLake) {
  const runtime = runtimeOf(lake)
  const handler = async (event: unknown, { awsRequestId, functionName }: Invocation): Promise<Output> => {
    const input = Task.parse(event)
    return await run(
      makeContext({ orgId: input.orgId, actor: Actor.system(functionName), requestId: awsRequestId, runtime }),
      input as Input,
    )
  }
  return middy(handler).use(logged(createLog()))
}

/** A function that an event wakes, once for each. */
export function subscriber<Name extends EventName>(
  name: Name,
  run: (ctx: Context, event: Event<Name>) => Promise<void>,
) {
  const runtime = runtimeOf(noLake)
  const handler = async ({ detail }: { detail: Event }, { awsRequestId, functionName }: Invocation): Promise<void> => {
    const event = { ...detail, name, data: events[name].parse(detail.data) } as Event<Name>
    await run(
      makeContext({ orgId: noOrganization, actor: Actor.system(functionName), requestId: awsRequestId, runtime }),
      event,
    )
  }
  return middy(handler).use(logged(createLog()))
}

// Longer than one organization should take.
const reserveMs = 3 * 60_000

/** A function that the clock wakes. What it does may end early when its time is short. */
export function scheduled(run: (ctx: Context, isOutOfTime: () => boolean) => Promise<unknown>) {
  const runtime = runtimeOf(noLake)
  const handler = async (_: unknown, invocation: Invocation): Promise<void> => {
    const { awsRequestId, functionName } = invocation
    const ctx = makeContext({
      orgId: noOrganization,
      actor: Actor.system(functionName),
      requestId: awsRequestId,
      runtime,
    })
    await run(ctx, () => invocation.getRemainingTimeInMillis() < reserveMs)
  }
  return middy(handler).use(logged(createLog()))
}

/** Where the API is reached from outside. */
export const publicUrl = (): string => named('API_URL')

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

const Task = z.looseObject({ orgId: z.string().min(1), importId: z.string().min(1) })

function runtimeOf(lake: MakeLake) {
  const { BUS_NAME, PIPELINE_ARN, KMS_KEY_ARN, SIGNING_KEYS_ARN, MAIL_FROM, API_URL } = process.env
  return createRuntime({
    tableName: named('TABLE_NAME'),
    bucketName: named('BUCKET_NAME'),
    ...(BUS_NAME && { busName: BUS_NAME }),
    ...(PIPELINE_ARN && { stateMachineArns: { pipeline: PIPELINE_ARN } }),
    ...(KMS_KEY_ARN && { kmsKeyId: KMS_KEY_ARN }),
    ...(SIGNING_KEYS_ARN && { signingKeysSecretId: SIGNING_KEYS_ARN }),
    ...(MAIL_FROM && { mailFrom: MAIL_FROM }),
    ...(API_URL && { tokenIssuer: API_URL }),
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
