import middy from '@middy/core'
import { createApp } from '@cloudoptima/api'
import { Actor, type Context, type Lake, type Blobs, type Log } from '@cloudoptima/core'
import { createLog, createRuntime, makeContext, noLake } from '@cloudoptima/runtime'
import type { Context as Invocation } from 'aws-lambda'
import { handle } from 'hono/aws-lambda'
import * as z from 'zod'

type MakeLake = (blobs: Blobs) => Lake

/** Until the product knows organisations there is one. */
const orgId = 'default'

/** A state's function: its input names the organisation, its failure is logged and left to the state machine. */
export function task<Input, Output>(run: (ctx: Context, input: Input) => Promise<Output>, lake: MakeLake = noLake) {
  const runtime = runtimeOf(lake)
  const handler = async (event: unknown, { awsRequestId, functionName }: Invocation): Promise<Output> => {
    const input = Task.parse(event)
    return await run(makeContext({ orgId: input.orgId, actor: Actor.system(functionName), requestId: awsRequestId, runtime }), input as Input)
  }
  return middy(handler).use(logged(createLog()))
}

/** The HTTP API behind API Gateway. */
export function http(lake: MakeLake = noLake) {
  const runtime = runtimeOf(lake)
  const app = createApp({ log: createLog(), context: (_request, requestId) => makeContext({ orgId, actor: Actor.system('api'), requestId, runtime }) })
  return handle(app)
}

const Task = z.looseObject({ orgId: z.string().min(1), importId: z.string().min(1) })

function runtimeOf(lake: MakeLake) {
  const { BUS_NAME, PIPELINE_ARN, KMS_KEY_ARN, SIGNING_KEYS_ARN, MAIL_FROM, MAIL_CONFIGURATION_SET, API_URL } = process.env
  return createRuntime({
    tableName: named('TABLE_NAME'),
    bucketName: named('BUCKET_NAME'),
    ...(BUS_NAME && { busName: BUS_NAME }),
    ...(PIPELINE_ARN && { stateMachineArns: { pipeline: PIPELINE_ARN } }),
    ...(KMS_KEY_ARN && { kmsKeyId: KMS_KEY_ARN }),
    ...(SIGNING_KEYS_ARN && { signingKeysSecretId: SIGNING_KEYS_ARN }),
    ...(MAIL_FROM && { mailFrom: MAIL_FROM }),
    ...(MAIL_CONFIGURATION_SET && { mailConfigurationSet: MAIL_CONFIGURATION_SET }),
    ...(API_URL && { tokenIssuer: API_URL }),
    lake,
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
    onError: ({ error, context }) => log.error('a task failed', { requestId: context.awsRequestId, function: context.functionName, error }),
  }
}
