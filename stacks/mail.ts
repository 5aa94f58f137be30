import { EmailIdentity, Identity } from 'aws-cdk-lib/aws-ses'
import type { Stack } from 'sst/constructs'
import type { Grant } from './grants.ts'
import { settings } from './settings.ts'
import { isRehearsal, pattern } from './stage.ts'

/** Empty in a stage without a sender address, whose function reports a fault. */
export interface Sender {
  environment: { MAIL_FROM?: string }
  grants: Grant[]
}

const anyIdentity = pattern(
  'The emulator checks the sending of mails against no identity, so only a grant on all resources matches. Other ' +
    'stages name the identity.',
  'Resource::*',
)

/** Signed with DKIM, once its owner has confirmed it. */
export function mailFrom(stack: Stack, stage: string): Sender {
  const { mail } = settings()
  if (!mail) return { environment: {}, grants: [] }
  const identity = new EmailIdentity(stack, 'Mail', {
    identity: mail.isDomain ? Identity.domain(mail.identity) : Identity.email(mail.identity),
    ...(mail.isDomain && { dkimSigning: true }),
  })
  if (mail.isDomain && !isRehearsal(stage)) {
    stack.addOutputs(
      Object.fromEntries(
        identity.dkimRecords.map(({ name, value }, index) => [`DkimRecord${index + 1}`, `${name} CNAME ${value}`]),
      ),
    )
  }
  const arn = (name: string) => stack.formatArn({ service: 'ses', resource: 'identity', resourceName: name })
  // SES checks whichever of both is verified.
  const named = {
    resources: [...new Set([mail.identity, mail.from])].map(arn),
    conditions: { StringEquals: { 'ses:FromAddress': mail.from } },
  }
  const grant: Grant = {
    actions: ['ses:SendEmail'],
    ...(isRehearsal(stage) ? { resources: ['*'], because: anyIdentity } : named),
  }
  return { environment: { MAIL_FROM: mail.from }, grants: [grant] }
}
