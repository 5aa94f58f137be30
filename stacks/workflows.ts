import { pascal, rowsOf } from '@cloudoptima/core'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions'
import type { Stack, StackContext } from 'sst/constructs'
import { accept, nameOf, logs } from './stage.ts'
import { rowFunction } from './rows/function.ts'
import { deployedWiring } from './rows/wiring.ts'

export function Workflows({ app, stack }: StackContext) {
  const wiring = deployedWiring()
  const steps = rowsOf(wiring).filter((row) => row.kind === 'step')
  for (const [name, { definition }] of Object.entries(wiring.workflows)) {
    const functions = steps
      .filter(({ workflow }) => workflow === name)
      .map((row) => [row.step, rowFunction(stack, app.stage, row).functionArn] as const)
    const machine = stateMachine(stack, app.stage, name, definition, Object.fromEntries(functions))
    stack.addOutputs({ [`${pascal(name)}MachineArn`]: machine.stateMachineArn })
  }
}

function stateMachine(
  stack: Stack,
  stage: string,
  workflow: string,
  definition: object,
  functionArns: Record<string, string>,
): StateMachine {
  const [id, stateMachineName] = [`${pascal(workflow)}Machine`, nameOf(stage, workflow)]
  const logGroup = { logGroupName: `/aws/vendedlogs/states/${stateMachineName}`, ...logs(stage) }
  const machine = new StateMachine(stack, id, {
    stateMachineName,
    stateMachineType: StateMachineType.STANDARD,
    definitionBody: DefinitionBody.fromString(JSON.stringify(definition)),
    definitionSubstitutions: functionArns,
    tracingEnabled: true,
    logs: {
      destination: new LogGroup(stack, `${id}Logs`, logGroup),
      level: LogLevel.ALL,
      includeExecutionData: false,
    },
  })
  machine.addToRolePolicy(
    new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: Object.values(functionArns) }),
  )
  const reason = 'The delivery of vended logs and X-Ray know no resources. AWS documents these actions for both.'
  accept(machine, 'IAM5', reason, 'Resource::*')
  return machine
}
