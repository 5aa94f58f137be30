import { rowsOf } from '@cloudoptima/core'
import { use, type StackContext } from 'sst/constructs'
import { nameOf } from './stage.ts'
import { Queues } from './queues.ts'
import { rowFunction } from './rows/function.ts'
import { onClock, onEvent, onMessage } from './rows/triggers.ts'
import { deployedWiring } from './rows/wiring.ts'

export function Reactions({ app, stack }: StackContext) {
  const wiring = deployedWiring()
  const { queueOf } = use(Queues)
  for (const row of rowsOf(wiring)) {
    if (row.kind === 'step') continue
    const wakes = rowFunction(stack, app.stage, row)
    stack.addOutputs({ [`${row.id}Name`]: wakes.functionName })
    if (row.kind === 'subscription') onEvent(stack, row.event, wakes)
    if (row.kind === 'schedule') onClock(stack, nameOf(app.stage, row.name.replace('schedules/', '')), row.rate, wakes)
    if (row.kind === 'consumer') onMessage(queueOf(row.queue), wakes)
  }
}
