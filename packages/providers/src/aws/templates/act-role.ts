import { type ActGrant, actGrants, protectionTag } from '../act-grants.ts'
import { policy, roleTemplate, type Statement, type Template } from './template.ts'

const arn = (resource: string, account = '${AWS::AccountId}') => ({
  'Fn::Sub': `arn:\${AWS::Partition}:ec2:*:${account}:${resource}/*`,
})

const resources: Record<ActGrant['on'][number], unknown> = {
  // Describe calls know no resources.
  any: '*',
  instance: arn('instance'),
  volume: arn('volume'),
  // The ARN of a snapshot names no account.
  snapshot: arn('snapshot', ''),
  address: arn('elastic-ip'),
}

/** The CloudFormation template of the role that changes an account: what `actGrants` lists, and never a protected resource. It needs CAPABILITY_NAMED_IAM. */
export function actRoleTemplate(): Template {
  return roleTemplate({
    description: `Lets CloudOptima carry out approved changes in this account. Resources tagged ${protectionTag} = true are never touched.`,
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
