import type { Stack } from 'aws-cdk-lib'
import { AccountRootPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import type { Grant } from './grants.ts'
import { isRehearsal, keyRemoval } from './stage.ts'

/** Nothing here decrypts or creates a KMS grant, which would bypass the policy. */
const upkeep = `
  DescribeKey GetKeyPolicy PutKeyPolicy ListKeyPolicies UpdateKeyDescription EnableKey DisableKey ScheduleKeyDeletion
  CancelKeyDeletion
  EnableKeyRotation DisableKeyRotation GetKeyRotationStatus ListKeyRotations RotateKeyOnDemand
  CreateAlias UpdateAlias DeleteAlias TagResource UntagResource ListResourceTags`

/** KMS binds organization and purpose to each wrapped key. */
export function dataKey(stack: Stack, stage: string): Key {
  // The functions' stacks depend on the key, so their roles, not this policy, name them.
  const use = new PolicyStatement({
    sid: 'UseForAnOrganization',
    principals: [new AccountRootPrincipal()],
    ...statement('*', stage),
  })
  const care = new PolicyStatement({
    sid: 'LookAfter',
    principals: [new AccountRootPrincipal()],
    actions: upkeep
      .trim()
      .split(/\s+/)
      .map((action) => `kms:${action}`),
    resources: ['*'],
  })
  return new Key(stack, 'DataKey', {
    description: `Wraps the data keys of the organizations of CloudOptima (${stage})`,
    alias: `cloudoptima-${stage}`,
    enableKeyRotation: true,
    policy: new PolicyDocument({ statements: [care, use] }),
    ...keyRemoval(stage),
  })
}

/** For the credentials of customers' clouds. */
export function unwrapKeys(key: Key, stage: string): Grant {
  return { ...statement(key.keyArn, stage), actions: ['kms:Decrypt'] }
}

export function wrapKeys(key: Key, stage: string): Grant {
  return statement(key.keyArn, stage)
}

function statement(resource: string, stage: string): Grant {
  const named = (part: string): Record<string, string> => ({ [`kms:EncryptionContext:${part}`]: 'false' })
  return {
    actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
    resources: [resource],
    // The emulator does not evaluate the context in conditions.
    conditions: isRehearsal(stage) ? {} : { Null: { ...named('organization'), ...named('purpose') } },
  }
}
