import { rowsOf } from '@cloudoptima/core'
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import { use, type StackContext } from 'sst/constructs'
import { schedule, subscribe } from './events.ts'
import { Queues } from './queues.ts'
import { rowFunction } from './rows.ts'
import { wiringOf } from './wiring.ts'

/** The functions that events, the clock and queues wake, as the wiring table has them. */
export function Reactions({ app, stack }: StackContext) {
  const wiring = wiringOf(app.stage)
  const { queues } = use(Queues)
  for (const row of rowsOf(wiring)) {
    if (row.kind === 'step') continue
    const wakes = rowFunction(stack, app.stage, row)
    stack.addOutputs({ [`${row.id}Name`]: wakes.functionName })
    if (row.kind === 'subscription') subscribe(stack, row.event, wakes)
    if (row.kind === 'schedule') schedule(stack, app.stage, row, wakes)
    const [queue, source] = row.kind === 'consumer' ? [wiring.queues[row.queue], queues[row.queue]] : []
    if (queue && source)
      wakes.addEventSource(
        new SqsEventSource(source, { maxConcurrency: queue.concurrency, reportBatchItemFailures: true }),
      )
  }
}
