import { AccountRootPrincipal, PolicyDocument, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam'
import { use, type StackContext } from 'sst/constructs'
import { lambda } from './function.ts'
import { nameOf } from './stage.ts'
import { Storage } from './storage.ts'

/** One role may invoke it. */
export function Operator({ app, stack }: StackContext) {
  const { state, tables } = use(Storage)
  const setTier = lambda(stack, 'SetTier', {
    handler: 'functions/set-tier.handler',
    memorySize: 512,
    timeout: '30 seconds',
    environment: state,
    grants: tables,
  })
  const invoke = new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [setTier.functionArn] })
  const role = new Role(stack, 'Operator', {
    roleName: nameOf(app.stage, 'operator'),
    description: 'Sets the tier of organizations.',
    assumedBy: new AccountRootPrincipal(),
    inlinePolicies: { invoke: new PolicyDocument({ statements: [invoke] }) },
  })
  stack.addOutputs({ SetTierName: setTier.functionName, OperatorRoleArn: role.roleArn })
}
