import { type ActGrant, actGrants, protectionTag } from '../act-grants.ts'
import { policy, roleTemplate, type Statement, type Template } from './template.ts'

const arn = (resource: string, account = '${AWS::AccountId}') => ({
  'Fn::Sub': `arn:\${AWS::Partition}:ec2:*:${account}:${resource}/*`,
})

const resources: Record<ActGrant['on'][number], unknown> = {
  any: '*',
  instance: arn('instance'),
  volume: arn('volume'),
  // The ARN of a snapshot contains no account.
  snapshot: arn('snapshot', ''),
  address: arn('elastic-ip'),
}

/** It needs CAPABILITY_NAMED_IAM. */
export function actRoleTemplate(): Template {
  return roleTemplate({
    description:
      `Allows CloudOptima to make approved changes in this account, but not to resources tagged ${protectionTag} = ` +
      'true.',
    roleName: 'CloudOptimaAct',
    policies: [policy('act', actGrants.map(statement))],
  })
}

function statement({ permission, on, condition }: ActGrant): Statement {
  if (on.includes('any')) return { Effect: 'Allow', Action: permission, Resource: resources.any }
  const spared = { StringNotEquals: { [`aws:ResourceTag/${protectionTag}`]: 'true' } }
  return {
    Effect: 'Allow',
    Action: permission,
    Resource: on.map((kind) => resources[kind]),
    Condition: { ...spared, ...condition },
  }
}
