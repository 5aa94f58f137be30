import type { wiring } from '@cloudoptima/core'
import { use, type Stack } from 'sst/constructs'
import { Api } from '../api.ts'
import { executions, starts, type Extra } from '../grants.ts'
import { Identity } from '../identity.ts'
import { anchors, listObjects, objects } from '../objects.ts'
import { addedNeeds, type Needs } from './wiring.ts'

type Workflows = typeof wiring.workflows
type Step = { [W in keyof Workflows]: `workflows/${W}/${keyof Workflows[W]['steps'] & string}` }[keyof Workflows]
type Named<Kind extends 'subscriptions' | 'schedules' | 'queues'> = `${Kind}/${keyof (typeof wiring)[Kind] & string}`
type RowName = Step | Named<'subscriptions'> | Named<'schedules'> | Named<'queues'>

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
  'subscriptions/send-mail': () => {
    const { mail } = use(Identity)
    return { environment: { ...mail.environment, API_URL: use(Api).url }, grants: mail.grants }
  },
  'schedules/anchor': anchors,
  'schedules/sweep': (stack, stage) => {
    // It restarts interrupted deliveries, and ends those whose execution ended.
    const { environment, grants } = starts(stack, stage, 'bills')
    return {
      environment,
      grants: [
        ...grants,
        executions(stack, stage, 'bills'),
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
