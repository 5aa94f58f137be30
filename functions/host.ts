import middy from '@middy/core'
import { createApp } from '@cloudoptima/api'
import { Actor, type Blobs, type Lake, Organization, parse, rowOf, type Wiring } from '@cloudoptima/core'
import { createRuntime, makeContext, noLake } from '@cloudoptima/runtime'
import type { Context as Call } from 'hono'
import { handle } from 'hono/aws-lambda'
import * as z from 'zod'
import { countedBus, lambdaLog, observed } from './observability.ts'
import { handlerOf } from './row.ts'

type MakeLake = (blobs: Blobs) => Lake

/** Handles the row of the wiring table that `WIRED_TO` names. */
export function wired(wiring: Wiring, lake: MakeLake = noLake) {
  return middy(handlerOf(rowOf(wiring, named('WIRED_TO')), runtimeOf(lake))).use(observed())
}

const publicUrl = () => named('API_URL')

export function http(lake: MakeLake = noLake) {
  const corsOrigins = (process.env['CORS_ORIGINS'] ?? '').split(',').filter((origin) => origin !== '')
  const app = createApp({
    runtime: runtimeOf(lake),
    log: lambdaLog(),
    address: sourceOf,
    publicUrl: publicUrl(),
    corsOrigins,
  })
  return middy(handle(app)).use(observed())
}

const TierInput = z.strictObject({ organization: z.string().min(1).max(80), tier: Organization.Tier })

/** Throws Fault `invalid` or `not_found`. */
export function setTier() {
  const runtime = runtimeOf(noLake)
  return middy(async (event: unknown, { awsRequestId: requestId }: { awsRequestId: string }) => {
    const { organization: orgId, tier } = parse(TierInput, event)
    const actor = Actor.system('operator')
    const log = lambdaLog({ orgId, requestId, actor: actor.id })
    return await Organization.setTier(makeContext({ orgId, requestId, actor, runtime, log }), { tier })
  }).use(observed())
}

/** The client's address in the event of a REST or an HTTP API. */
function sourceOf({ env }: Call) {
  const { requestContext } = (
    env as { event: { requestContext: { identity?: { sourceIp?: string }; http?: { sourceIp?: string } } } }
  ).event
  return requestContext.identity?.sourceIp ?? requestContext.http?.sourceIp
}

function runtimeOf(lake: MakeLake) {
  const {
    ANCHORS_BUCKET_NAME,
    BUS_NAME,
    STATE_MACHINES,
    QUEUES,
    KMS_KEY_ARN,
    SIGNING_KEYS_ARN,
    MAIL_FROM,
    API_URL,
    TIMER_GROUP,
  } = process.env
  const runtime = createRuntime({
    tableName: named('TABLE_NAME'),
    bucketName: named('BUCKET_NAME'),
    ...(ANCHORS_BUCKET_NAME && { anchorsBucketName: ANCHORS_BUCKET_NAME }),
    ...(BUS_NAME && { busName: BUS_NAME }),
    ...(STATE_MACHINES && { stateMachineArn: (workflow: string) => `${STATE_MACHINES}${workflow}` }),
    ...(QUEUES && { queueUrl: (queue: string) => `${QUEUES}${queue}` }),
    ...(TIMER_GROUP && {
      timers: { groupName: TIMER_GROUP, queueArn: named('TIMER_QUEUE_ARN'), roleArn: named('TIMER_ROLE_ARN') },
    }),
    ...(KMS_KEY_ARN && { kmsKeyId: KMS_KEY_ARN }),
    ...(SIGNING_KEYS_ARN && { signingKeysSecretId: SIGNING_KEYS_ARN }),
    ...(MAIL_FROM && { mailFrom: MAIL_FROM }),
    ...(API_URL && { tokenIssuer: API_URL, publicUrl: () => API_URL }),
    clouds: async () => (await import('@cloudoptima/providers/access')).cloudsOf(process.env),
    exchangeRatesUrl: process.env['EXCHANGE_RATES_URL'],
    timestreamTable: process.env['TIMESTREAM_TABLE'],
    lake,
  })
  return { ...runtime, bus: countedBus(runtime.bus) }
}

function named(name: string) {
  const value = process.env[name]
  if (!value) throw new Error(`This function was deployed without the environment variable ${name}.`)
  return value
}
