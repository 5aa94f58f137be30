import type { Stack } from 'aws-cdk-lib'
import { AccountRootPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import type { Grant } from './grants.ts'
import { isRehearsal, keyRemoval } from './stage.ts'

/** What looking after a key takes. Nothing here reads what it encrypted, and no grant of KMS is made past this policy. */
const upkeep = `
  DescribeKey GetKeyPolicy PutKeyPolicy ListKeyPolicies UpdateKeyDescription EnableKey DisableKey ScheduleKeyDeletion CancelKeyDeletion
  EnableKeyRotation DisableKeyRotation GetKeyRotationStatus ListKeyRotations RotateKeyOnDemand
  CreateAlias UpdateAlias DeleteAlias TagResource UntagResource ListResourceTags`

/**
 * The key under which every organization's data keys are wrapped. It is of use only to who names the organization and the purpose, which KMS binds to
 * the wrapped key: one that is copied into another organization's record does not open.
 */
export function dataKey(stack: Stack, stage: string): Key {
  // The role's own policy has to allow it too: that names the functions, and this cannot, because their stacks come after the key's.
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

/** To wrap and to unwrap data keys of an organization. */
export function wrapKeys(key: Key, stage: string): Grant {
  return statement(key.keyArn, stage)
}

function statement(resource: string, stage: string): Grant {
  const named = (part: string): Record<string, string> => ({ [`kms:EncryptionContext:${part}`]: 'false' })
  return {
    actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
    resources: [resource],
    // The emulator binds the context to the wrapped key as KMS does, but does not show it to policies.
    conditions: isRehearsal(stage) ? {} : { Null: { ...named('organization'), ...named('purpose') } },
  }
}
