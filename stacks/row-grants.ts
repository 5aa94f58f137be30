import type { wiring } from '@cloudoptima/core'
import { use, type Stack } from 'sst/constructs'
import { Api } from './api.ts'
import { anyOrganization, type Grant } from './grants.ts'
import { Identity } from './identity.ts'
import { stateMachines } from './names.ts'
import { Storage } from './storage.ts'

/** What a row needs beside the tables and the bus. */
export interface Extra {
  environment?: Record<string, string>
  grants?: Grant[]
}

type Steps = {
  [W in keyof typeof wiring.workflows]: `workflows/${W}/${keyof (typeof wiring.workflows)[W]['steps'] & string}`
}
type Named<Kind extends 'subscriptions' | 'schedules' | 'queues'> = `${Kind}/${keyof (typeof wiring)[Kind] & string}`
type RowName = Steps[keyof Steps] | Named<'subscriptions'> | Named<'schedules'> | Named<'queues'>

/** The grants of a row. Rows that are absent here need nothing more. */
export function grantsOf(row: string, stack: Stack, stage: string): Extra {
  return (extras as Partial<Record<string, MakeExtra>>)[row]?.(stack, stage) ?? {}
}

type MakeExtra = (stack: Stack, stage: string) => Extra

const extras: Partial<Record<RowName, MakeExtra>> = {
  'workflows/bills/Normalize': () => ({
    grants: [
      listObjects(),
      objects(['s3:GetObject', 's3:DeleteObject'], '*/raw/*'),
      objects(['s3:PutObject'], '*/raw/*/manifest.json'),
      objects(['s3:PutObject', 's3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject'], '*/lake/*'),
      objects(['s3:PutObject', 's3:GetObject'], '*/imports/*'),
    ],
  }),
  'workflows/bills/Announce': () => ({ grants: [objects(['s3:GetObject'], '*/imports/*')] }),
  'workflows/bills/RecordFailure': () => ({ grants: [objects(['s3:GetObject'], '*/imports/*')] }),
  'subscriptions/send-mail': () => {
    const { mail } = use(Identity)
    return { environment: { ...mail.environment, API_URL: use(Api).url }, grants: mail.grants }
  },
  'subscriptions/remove-purged': () => ({ grants: removal() }),
  'schedules/sweep': (stack, stage) => ({
    grants: [
      ...removal(),
      objects(['s3:DeleteObject'], '*/answers/*'),
      // A delivery whose start was cut off is started.
      { actions: ['states:StartExecution'], resources: [`${stateMachines(stack, stage)}bills`] },
    ],
  }),
}

/** What the removal of purged bills needs: their files, and the totals in the records of imports. */
function removal(): Grant[] {
  return [
    listObjects(),
    objects(['s3:DeleteObject'], '*/raw/*', '*/lake/*'),
    objects(['s3:GetObject', 's3:PutObject'], '*/imports/*'),
  ]
}

function objects(actions: string[], ...patterns: string[]): Grant {
  const { bucket } = use(Storage)
  return { actions, resources: patterns.map((pattern) => bucket.arnForObjects(pattern)), because: anyOrganization }
}

function listObjects(): Grant {
  return { actions: ['s3:ListBucket'], resources: [use(Storage).bucket.bucketArn] }
}
