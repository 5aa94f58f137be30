import { use, type StackContext } from 'sst/constructs'
import { Api } from './api.ts'
import { Events, subscribe } from './events.ts'
import { lambda } from './function.ts'
import { Identity } from './identity.ts'
import { Storage } from './storage.ts'

/** Who is woken by events, one row each. */
export function Subscribers({ stack }: StackContext) {
  const { table, state } = use(Storage)
  const { giveUp } = use(Events)
  const { mail } = use(Identity)
  const { url } = use(Api)

  const sendMail = lambda(stack, 'SendMail', {
    handler: 'functions/send-mail.handler',
    memorySize: 512,
    timeout: '1 minute',
    environment: { ...state, ...mail.environment, API_URL: url },
    // It counts what each mailbox gets.
    grants: [{ actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'], resources: [table.tableArn] }, ...mail.grants, giveUp],
  })

  subscribe(stack, [{ on: 'mail.requested', wakes: sendMail }])
}
