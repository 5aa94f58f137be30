import type { Stack } from 'aws-cdk-lib'
import { AccountRootPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import type { Grant } from './grants.ts'
import { isRehearsal, keyRemoval } from './stage.ts'

/** The actions of administration. None of them decrypts, and CreateGrant is absent, because a grant of KMS bypasses this policy. */
const upkeep = `
  DescribeKey GetKeyPolicy PutKeyPolicy ListKeyPolicies UpdateKeyDescription EnableKey DisableKey ScheduleKeyDeletion CancelKeyDeletion
  EnableKeyRotation DisableKeyRotation GetKeyRotationStatus ListKeyRotations RotateKeyOnDemand
  CreateAlias UpdateAlias DeleteAlias TagResource UntagResource ListResourceTags`

/**
 * The key that wraps the data keys of all organizations. Each use has to name the organization and the purpose. KMS binds both to the wrapped key, so a
 * wrapped key that is copied into the record of another organization cannot be unwrapped.
 */
export function dataKey(stack: Stack, stage: string): Key {
  // This policy cannot name the functions, because their stacks depend on the key. The policy of each role has to allow the use as well.
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

/** Wraps and unwraps data keys of an organization. */
export function wrapKeys(key: Key, stage: string): Grant {
  return statement(key.keyArn, stage)
}

function statement(resource: string, stage: string): Grant {
  const named = (part: string): Record<string, string> => ({ [`kms:EncryptionContext:${part}`]: 'false' })
  return {
    actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
    resources: [resource],
    // The emulator binds the context to the wrapped key, but does not evaluate it in conditions.
    conditions: isRehearsal(stage) ? {} : { Null: { ...named('organization'), ...named('purpose') } },
  }
}
