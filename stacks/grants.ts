import type { Stack } from 'aws-cdk-lib'
import type { NagPackSuppression } from 'cdk-nag'

/** What one function may do: actions on the resources named. */
export interface Grant {
  actions: string[]
  resources: string[]
  /** Only where this holds of the request. */
  conditions?: Record<string, Record<string, string>>
  /** Where a resource is a pattern. */
  because?: NagPackSuppression
}

/** Why a grant may name objects by pattern. */
export const anyOrganization: NagPackSuppression = {
  id: 'AwsSolutions-IAM5',
  reason: 'Keys begin with the organization, which only the request knows; the folder below it is named.',
  appliesTo: [{ regex: String.raw`/^Resource::[^*]+\/\*\/(raw|lake|imports|templates|answers)\//` }],
}

/** To enter the accounts of customers, by the roles that our template makes there. Each lets in only who names the external id that we gave out. */
export function customerRoles(stack: Stack): Grant {
  const resource = stack.formatArn({
    service: 'iam',
    region: '',
    account: '*',
    resource: 'role',
    resourceName: 'CloudOptima*',
  })
  const reason =
    'Roles lie in accounts that are not known before a customer connects them; what begins their names is ours.'
  return {
    actions: ['sts:AssumeRole'],
    resources: [resource],
    because: {
      id: 'AwsSolutions-IAM5',
      reason,
      appliesTo: ['Resource::arn:<AWS::Partition>:iam::*:role/CloudOptima*'],
    },
  }
}
