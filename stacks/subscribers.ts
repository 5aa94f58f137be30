import { use, type StackContext } from 'sst/constructs'
import { Api } from './api.ts'
import { Events, everyDay, subscribe } from './events.ts'
import { lambda } from './function.ts'
import { anyOrganization } from './grants.ts'
import { Identity } from './identity.ts'
import { Pipeline } from './pipeline.ts'
import { Storage } from './storage.ts'

/** Who is woken by events, and by the clock, one row each. */
export function Subscribers({ app, stack }: StackContext) {
  const { table, bucket, state } = use(Storage)
  const { giveUp } = use(Events)
  const { mail } = use(Identity)
  const { machine } = use(Pipeline)
  const { url } = use(Api)

  const sendMail = lambda(stack, 'SendMail', {
    handler: 'functions/send-mail.handler',
    memorySize: 512,
    timeout: '1 minute',
    environment: { ...state, ...mail.environment, API_URL: url },
    // It counts what each mailbox gets.
    grants: [
      { actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'], resources: [table.tableArn] },
      ...mail.grants,
      giveUp,
    ],
  })

  const sweep = lambda(stack, 'Sweep', {
    handler: 'functions/sweep.handler',
    memorySize: 512,
    timeout: '15 minutes',
    environment: { ...state, PIPELINE_ARN: machine.stateMachineArn },
    grants: [
      {
        actions: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:DeleteItem'],
        resources: [table.tableArn],
      },
      { actions: ['s3:ListBucket'], resources: [bucket.bucketArn] },
      {
        actions: ['s3:DeleteObject'],
        resources: ['*/raw/*', '*/answers/*', '*/lake/*'].map((objects) => bucket.arnForObjects(objects)),
        because: anyOrganization,
      },
      { actions: ['s3:GetObject'], resources: [bucket.arnForObjects('*/imports/*')], because: anyOrganization },
      // Whether the stored bill is still there that a purge which failed is to be begun again on.
      {
        actions: ['s3:GetObject'],
        resources: [bucket.arnForObjects('*/raw/*/manifest.json')],
        because: anyOrganization,
      },
      // A delivery that the pipeline never heard of is sent on.
      { actions: ['states:StartExecution'], resources: [machine.stateMachineArn] },
      giveUp,
    ],
  })

  stack.addOutputs({ SweepName: sweep.functionName })
  everyDay(stack, app.stage, [sweep])
  subscribe(stack, [{ on: 'mail.requested', wakes: sendMail }])
}
