import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch'
import { Actor, type Event, noOrganization, parse, QueueMessage, type Row, type Runtime } from '@cloudoptima/core'
import { makeContext } from '@cloudoptima/runtime'
import type { Context as Invocation, SQSEvent, SQSRecord } from 'aws-lambda'
import * as z from 'zod'
import { lambdaLog } from './observability.ts'

/** The part of its time limit by which a schedule stops early, so that the organization in work fits. */
const reserve = 1 / 5

const Input = z.looseObject({ orgId: z.string().min(1) })
const Delivery = z.object({ detail: z.looseObject({ id: z.string(), name: z.string(), orgId: z.string().min(1) }) })

type Handler = (event: unknown, invocation: Pick<Invocation, 'awsRequestId' | 'getRemainingTimeInMillis'>) => unknown

/** Throws Fault `invalid` for an event of another shape. */
export function handlerOf(row: Row, runtime: Runtime): Handler {
  const contextOf = (given: { orgId: string; requestId: string }) =>
    makeContext({
      ...given,
      actor: Actor.system(row.name),
      runtime,
      log: lambdaLog({ ...given, actor: row.name }),
    })
  switch (row.kind) {
    case 'step':
      return async (event, { awsRequestId: requestId }) =>
        await row.run(contextOf({ orgId: parse(Input, event).orgId, requestId }), event)
    case 'subscription':
      return async (delivery) => {
        const { detail } = parse(Delivery, delivery)
        await row.run(contextOf({ orgId: detail.orgId, requestId: detail.id }), detail as unknown as Event)
      }
    case 'schedule':
      return async (_, invocation) => {
        const reserveMs = invocation.getRemainingTimeInMillis() * reserve
        const isOutOfTime = () => invocation.getRemainingTimeInMillis() < reserveMs
        await row.run(contextOf({ orgId: noOrganization, requestId: invocation.awsRequestId }), isOutOfTime)
      }
    case 'consumer':
      return async (event) => {
        const consume = ({ body }: SQSRecord) => QueueMessage.consume(contextOf, row.queue, row, body)
        // SQS delivers only failed messages again.
        return await processPartialResponse(event as SQSEvent, consume, new BatchProcessor(EventType.SQS), {
          throwOnFullBatchFailure: false,
        })
      }
    default:
      return row satisfies never
  }
}
