import { removePurged } from '../accounts/purge.ts'
import * as Import from '../bills/import.ts'
import { events } from '../kernel/event.ts'
import { act, FailedInput, giveUp } from '../executions/steps/act.ts'
import { announce, Ending } from '../executions/steps/announce.ts'
import { ask, AskInput, goOn, remind } from '../executions/steps/ask.ts'
import { check } from '../executions/steps/check.ts'
import { inARow } from '../executions/steps/in-a-row.ts'
import { Input as ExecutionInput, TargetInput } from '../executions/steps/input.ts'
import { interrupt, InterruptInput } from '../executions/steps/interrupt.ts'
import { measure } from '../executions/steps/measure.ts'
import { plan } from '../executions/steps/plan.ts'
import { settle, undo } from '../executions/steps/undo.ts'
import { begin } from '../executions/workflow.ts'
import { reopenUnlessDone } from '../recommendations/apply.ts'
import * as ApprovalLetters from '../executions/letters.ts'
import { crossed, react } from '../policies/reactions.ts'
import * as PolicyRun from '../policies/run.ts'
import { setTimer } from '../policies/timers.ts'
import * as Relay from '../guard/relay.ts'
import * as Collect from '../collect/collect.ts'
import { planSources } from '../collect/plan.ts'
import * as CollectSchedule from '../collect/schedule.ts'
import * as ExchangeRate from '../currencies/rates.ts'
import { write as writeTimeSeries } from '../costs/time-series.ts'
import * as Letters from '../identity/sign-in/letters.ts'
import remediation from '../pipeline/remediation/remediation.asl.json' with { type: 'json' }
import bills from '../pipeline/bills/bills.asl.json' with { type: 'json' }
import * as Analysis from '../pipeline/analysis.ts'
import { request, requestAll } from '../pipeline/request.ts'
import * as Normalize from '../pipeline/bills/normalize.ts'
import * as RecordFailure from '../pipeline/bills/record-failure.ts'
import * as Anchor from '../pipeline/anchor.ts'
import * as Sweep from '../pipeline/sweep.ts'
import { consumer, step, subscription, type Queue, type Wiring } from './row.ts'

const collect: Queue = {
  concurrency: 10,
  visibilitySeconds: 900,
  receives: 5,
  // A large month of an export lies on disk while it is stored.
  consumer: consumer(Collect.Input, Collect.run, { memoryMb: 512, diskMb: 10_240, timeoutSeconds: 900, atOnce: 2 }),
}

const judges = { lake: true, memoryMb: 1769, timeoutSeconds: 900 } as const

/** Their grants stand in `stacks/rows/grants.ts`. */
export const wiring = {
  events,
  workflows: {
    bills: {
      definition: bills,
      steps: {
        // 3,008 MB is the most of a new AWS account. On one machine each takes up to 500 MB and all cores.
        Normalize: step(Normalize.Input, Normalize.run, {
          lake: true,
          memoryMb: 3008,
          diskMb: 10_240,
          timeoutSeconds: 900,
          atOnce: 2,
          reserved: 50,
        }),
        RecordFailure: step(RecordFailure.Input, RecordFailure.run),
      },
    },
    remediation: {
      definition: remediation,
      steps: {
        Plan: step(ExecutionInput, plan, { timeoutSeconds: 900 }),
        Ask: step(AskInput, ask),
        Remind: step(ExecutionInput, remind),
        Check: step(ExecutionInput, check, { timeoutSeconds: 900 }),
        Act: step(TargetInput, inARow(act), { timeoutSeconds: 420 }),
        Undo: step(TargetInput, inARow(undo), { timeoutSeconds: 420 }),
        GiveUp: step(FailedInput, giveUp),
        Settle: step(ExecutionInput, settle),
        Interrupt: step(InterruptInput, interrupt),
        Announce: step(Ending, announce),
        Measure: step(ExecutionInput, measure, { lake: true, memoryMb: 1769, timeoutSeconds: 900 }),
      },
    },
  },
  subscriptions: {
    'react-to-anomaly': subscription(events, 'anomaly.detected', react),
    'react-to-recommendation': subscription(events, 'recommendation.found', react),
    'react-to-resource': subscription(events, 'resource.changed', react),
    'react-to-threshold': subscription(events, 'threshold.crossed', crossed),
    'set-timer': subscription(events, 'policy.changed', (ctx, { data }) => setTimer(ctx, data.policyId)),
    'count-execution': subscription(events, 'execution.ended', PolicyRun.count),
    'plan-sources': subscription(
      events,
      'account.connected',
      async (ctx, { data }) => await planSources(ctx, data.cloudAccountId),
    ),
    'request-analysis': subscription(events, 'cost.landed', (ctx) => requestAll(ctx)),
    'request-advice': subscription(events, 'resource.changed', (ctx) => request(ctx, 'resources')),
    'remove-canceled': subscription(
      events,
      'import.canceled',
      (ctx, { data }) => Import.removeCanceled(ctx, data.importId),
      { timeoutSeconds: 900 },
    ),
    'begin-execution': subscription(events, 'execution.requested', begin),
    'begin-rollback': subscription(events, 'rollback.requested', begin),
    'decide-execution': subscription(events, 'execution.decided', goOn),
    'follow-execution': subscription(events, 'execution.ended', reopenUnlessDone),
    'ask-approvers': subscription(events, 'approval.requested', ApprovalLetters.send),
    // What was found in the costs of a purged account is withdrawn.
    'judge-again': subscription(events, 'judgement.changed', (ctx) => requestAll(ctx)),
    'judge-purged': subscription(events, 'lake.purged', (ctx) => requestAll(ctx)),
    'remove-purged': subscription(events, 'lake.purged', removePurged, { timeoutSeconds: 900 }),
    'send-mail': subscription(events, 'mail.requested', Letters.send),
  },
  schedules: {
    collect: { rate: { everyMinutes: 5 }, run: CollectSchedule.run, timeoutSeconds: 240 },
    anchor: { rate: { everyMinutes: 15 }, run: Anchor.run, timeoutSeconds: 900 },
    // Before the working day of Europe.
    advice: { rate: { dailyAtHour: 4 }, run: Analysis.requestDaily },
    // The ECB publishes at about 16:00 CET.
    'exchange-rates': { rate: { dailyAtHour: 16 }, run: ExchangeRate.refresh },
    relay: { rate: { everyMinutes: 1 }, run: Relay.sweep },
    sweep: { rate: { dailyAtHour: 3 }, run: Sweep.run, timeoutSeconds: 900 },
  },
  queues: {
    'collect-aws': collect,
    'collect-azure': collect,
    'collect-gcp': collect,
    processing: {
      concurrency: 50,
      visibilitySeconds: 900,
      receives: 5,
      consumer: consumer(Collect.Input, Collect.run, { lake: true, memoryMb: 1024, timeoutSeconds: 900, atOnce: 1 }),
    },
    ml: {
      concurrency: 10,
      visibilitySeconds: 900,
      receives: 3,
      consumer: consumer(Analysis.Input, Analysis.run, { ...judges, atOnce: 1 }),
    },
    remediation: {
      concurrency: 5,
      visibilitySeconds: 900,
      receives: 3,
      consumer: consumer(PolicyRun.Message, PolicyRun.consume, { ...judges, atOnce: 1 }),
    },
  },
} satisfies Wiring

/** Of stages that switch them on. */
export const optionalSubscriptions = {
  'write-time-series': subscription(events, 'cost.landed', writeTimeSeries, {
    lake: true,
    memoryMb: 1024,
    timeoutSeconds: 900,
  }),
} satisfies Wiring['subscriptions']

export const allWiring: Wiring = { ...wiring, subscriptions: { ...wiring.subscriptions, ...optionalSubscriptions } }
