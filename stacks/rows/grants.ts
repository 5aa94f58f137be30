import { ecbUrl, timerQueue, type optionalSubscriptions, type wiring } from '@cloudoptima/core'
import { use, type Stack } from 'sst/constructs'
import { Api } from '../api.ts'
import { unwrapKeys } from '../data-key.ts'
import { answers, customerRoles, executions, sends, standIn, starts, timestream, type Extra } from '../grants.ts'
import { Identity } from '../identity.ts'
import { anchors, listObjects, objects } from '../objects.ts'
import { collectQueues, isRehearsal } from '../stage.ts'
import { Timers } from '../timers.ts'
import { addedNeeds, type Needs } from './wiring.ts'

type Workflows = typeof wiring.workflows
type Step = { [W in keyof Workflows]: `workflows/${W}/${keyof Workflows[W]['steps'] & string}` }[keyof Workflows]
type Named<Kind extends 'subscriptions' | 'schedules' | 'queues'> = `${Kind}/${keyof (typeof wiring)[Kind] & string}`
type RowName =
  | Step
  | Named<'subscriptions'>
  | Named<'schedules'>
  | Named<'queues'>
  | `subscriptions/${keyof typeof optionalSubscriptions}`

/** Reads a cloud with the customer's credentials. */
function readsClouds(stage: string): Required<Extra> {
  const { key } = use(Identity)
  return { environment: { ...standIn(stage), KMS_KEY_ARN: key.keyArn }, grants: [unwrapKeys(key, stage)] }
}

/** Stores bills of a cloud and starts their import. */
function collects(stack: Stack, stage: string): Required<Extra> {
  const [reads, begins] = [readsClouds(stage), starts(stack, stage, 'bills')]
  return {
    environment: { ...begins.environment, ...reads.environment },
    grants: [...begins.grants, ...reads.grants, listObjects(), objects(['s3:PutObject'], '*/raw/*')],
  }
}

/** Asks a cloud with the customer's role for actions. */
function acts(stack: Stack, stage: string): Required<Extra> {
  const { environment, grants } = readsClouds(stage)
  return { environment, grants: [...grants, customerRoles(stack)] }
}

const extras: Partial<Record<RowName, Needs>> = {
  'workflows/bills/Normalize': () => ({
    grants: [
      listObjects(),
      objects(['s3:GetObject', 's3:DeleteObject'], '*/raw/*'),
      // A canceled import may still have uploaded parts.
      objects(['s3:DeleteObject'], '*/uploads/*'),
      objects(['s3:PutObject'], '*/raw/*/manifest.json'),
      objects(['s3:PutObject', 's3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject'], '*/lake/*'),
      objects(['s3:PutObject', 's3:GetObject'], '*/imports/*'),
    ],
  }),
  'workflows/remediation/Plan': acts,
  'workflows/remediation/Check': acts,
  'workflows/remediation/Act': acts,
  'workflows/remediation/Undo': acts,
  'workflows/remediation/Ask': (stack, stage) => answers(stack, stage, 'remediation'),
  // What was changed is collected again.
  'workflows/remediation/Announce': (stack, stage) => sends(stack, stage, 'processing'),
  'workflows/remediation/Measure': () => ({ grants: [listObjects(), objects(['s3:GetObject'], '*/lake/*')] }),
  'subscriptions/begin-execution': (stack, stage) => starts(stack, stage, 'remediation'),
  'subscriptions/begin-rollback': (stack, stage) => starts(stack, stage, 'remediation'),
  'subscriptions/decide-execution': (stack, stage) => answers(stack, stage, 'remediation'),
  'subscriptions/ask-approvers': () => {
    const { mail } = use(Identity)
    return { environment: { ...mail.environment, API_URL: use(Api).url }, grants: mail.grants }
  },
  'subscriptions/react-to-anomaly': (stack, stage) => sends(stack, stage, timerQueue),
  'subscriptions/react-to-recommendation': (stack, stage) => sends(stack, stage, timerQueue),
  'subscriptions/react-to-resource': (stack, stage) => sends(stack, stage, timerQueue),
  'subscriptions/react-to-threshold': (stack, stage) => sends(stack, stage, timerQueue),
  // What waited for the end of the execution.
  'subscriptions/count-execution': (stack, stage) => sends(stack, stage, timerQueue),
  'subscriptions/set-timer': () => use(Timers).timers,
  // A timer of a policy that is gone is removed.
  'queues/remediation': (stack, stage) => {
    const { environment, grants } = use(Timers).timers
    const more = sends(stack, stage, timerQueue)
    return {
      environment: { ...environment, ...more.environment },
      grants: [...grants, ...more.grants, listObjects(), objects(['s3:GetObject'], '*/lake/*')],
    }
  },
  'subscriptions/request-analysis': (stack, stage) => sends(stack, stage, 'ml'),
  'subscriptions/request-advice': (stack, stage) => sends(stack, stage, 'ml'),
  'subscriptions/judge-again': (stack, stage) => sends(stack, stage, 'ml'),
  'subscriptions/judge-purged': (stack, stage) => sends(stack, stage, 'ml'),
  // A version that landed meanwhile is analyzed by another message.
  'queues/ml': (stack, stage) => {
    const { environment, grants } = sends(stack, stage, 'ml')
    const reads = objects(['s3:GetObject'], '*/lake/*', '*/price-lists/*')
    return { environment, grants: [...grants, listObjects(), reads] }
  },
  'subscriptions/remove-canceled': () => ({
    grants: [listObjects(), objects(['s3:DeleteObject'], '*/uploads/*', '*/raw/*', '*/lake/*')],
  }),
  'subscriptions/remove-purged': () => ({
    grants: [
      listObjects(),
      objects(['s3:DeleteObject'], '*/raw/*', '*/lake/*'),
      objects(['s3:GetObject', 's3:PutObject'], '*/imports/*'),
    ],
  }),
  'subscriptions/write-time-series': (stack) => {
    const { environment, grants } = timestream(stack)
    return { environment, grants: [...grants, objects(['s3:GetObject'], '*/lake/*')] }
  },
  'subscriptions/send-mail': () => {
    const { mail } = use(Identity)
    return { environment: { ...mail.environment, API_URL: use(Api).url }, grants: mail.grants }
  },
  'subscriptions/plan-sources': (stack, stage) => sends(stack, stage, ...collectQueues),
  'queues/collect-aws': (stack, stage) => {
    const { environment, grants } = collects(stack, stage)
    return { environment, grants: [...grants, customerRoles(stack)] }
  },
  // Resources and utilization of all clouds become rows of the lake.
  'queues/processing': (stack, stage) => {
    const reads = readsClouds(stage)
    // The first inventory asks for the utilization of its resources.
    const asks = sends(stack, stage, 'processing')
    const lake = objects(['s3:PutObject', 's3:AbortMultipartUpload', 's3:GetObject'], '*/lake/*')
    const prices = objects(['s3:PutObject', 's3:DeleteObject'], '*/price-lists/*')
    return {
      environment: { ...reads.environment, ...asks.environment },
      grants: [...reads.grants, ...asks.grants, customerRoles(stack), listObjects(), lake, prices],
    }
  },
  'queues/collect-azure': collects,
  'queues/collect-gcp': collects,
  'schedules/advice': (stack, stage) => sends(stack, stage, 'ml'),
  'schedules/anchor': anchors,
  'schedules/collect': (stack, stage) => sends(stack, stage, ...collectQueues),
  'schedules/exchange-rates': (_, stage) => ({
    environment: isRehearsal(stage) ? {} : { EXCHANGE_RATES_URL: ecbUrl },
  }),
  'schedules/sweep': (stack, stage) => {
    // It restarts interrupted deliveries, ends imports and executions whose workflow ended, and sets timers again.
    const { environment, grants } = starts(stack, stage, 'bills')
    const { timers } = use(Timers)
    return {
      environment: { ...environment, ...timers.environment },
      grants: [
        ...grants,
        ...timers.grants,
        executions(stack, stage, 'bills'),
        executions(stack, stage, 'remediation'),
        listObjects(),
        objects(['s3:DeleteObject'], '*/uploads/*', '*/raw/*', '*/answers/*', '*/lake/*'),
        objects(['s3:GetObject', 's3:PutObject'], '*/imports/*'),
      ],
    }
  },
}

export function extraOf(row: string, stack: Stack, stage: string): Extra {
  const needs = Object.entries(extras).find(([name]) => name === row)?.[1] ?? addedNeeds(row)
  return needs?.(stack, stage) ?? {}
}
