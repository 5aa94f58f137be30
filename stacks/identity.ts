import { CfnPermission } from 'aws-cdk-lib/aws-lambda'
import { CfnRotationSchedule, CfnSecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { StackContext } from 'sst/constructs'
import { accept, isRehearsal } from './stage.ts'
import { dataKey } from './data-key.ts'
import { lambda } from './function.ts'
import type { Grant } from './grants.ts'
import { mailFrom } from './mail.ts'

/** The key of the data keys, the rotated keys that sign tokens, and the sender of mails. */
export function Identity({ app, stack }: StackContext) {
  const key = dataKey(stack, app.stage)
  const signingKeys = new CfnSecret(stack, 'SigningKeys', {
    description:
      'The keys that sign access tokens. CloudFormation writes a random value, which the first rotation replaces ' +
      'with keys.',
    generateSecretString: { passwordLength: 64, excludePunctuation: true },
  })
  // In the emulator, Ref is the name, which matches no grant.
  const signingKeysArn = signingKeys.attrId

  const rotateKeys = lambda(stack, 'RotateKeys', {
    handler: 'functions/rotate-keys.handler',
    memorySize: 512,
    timeout: '1 minute',
    environment: { SIGNING_KEYS_ARN: signingKeysArn },
    grants: [
      {
        actions: [
          'secretsmanager:DescribeSecret',
          'secretsmanager:GetSecretValue',
          'secretsmanager:PutSecretValue',
          'secretsmanager:UpdateSecretVersionStage',
        ],
        resources: [signingKeysArn],
      },
    ],
  })
  const invoke = new CfnPermission(stack, 'RotateKeysPermission', {
    action: 'lambda:InvokeFunction',
    functionName: rotateKeys.functionArn,
    principal: 'secretsmanager.amazonaws.com',
    sourceAccount: stack.account,
  })
  if (isRehearsal(app.stage)) {
    accept(
      signingKeys,
      'SMG4',
      'The emulator knows no rotation schedule; the rehearsal invokes the function of the rotation itself.',
    )
  } else {
    const rotation = new CfnRotationSchedule(stack, 'Rotation', {
      secretId: signingKeysArn,
      rotationLambdaArn: rotateKeys.functionArn,
      rotationRules: { automaticallyAfterDays: 30 },
    })
    rotation.addDependency(invoke)
  }

  stack.addOutputs({ SigningKeysArn: signingKeysArn, RotateKeysName: rotateKeys.functionName })
  const readSigningKeys: Grant = { actions: ['secretsmanager:GetSecretValue'], resources: [signingKeysArn] }
  return { key, signingKeysArn, readSigningKeys, mail: mailFrom(stack, app.stage) }
}
