import { rowsOf } from '@cloudoptima/core'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions'
import { NagSuppressions } from 'cdk-nag'
import type { Function, Stack, StackContext } from 'sst/constructs'
import { nameOf } from './names.ts'
import { rowFunction } from './rows.ts'
import { logs } from './stage.ts'
import { wiringOf } from './wiring.ts'

/** The workflows of the wiring table: a state machine each, and a function for each of its steps. */
export function Workflows({ app, stack }: StackContext) {
  const wiring = wiringOf(app.stage)
  const rows = rowsOf(wiring)
  for (const [name, { definition }] of Object.entries(wiring.workflows)) {
    const steps = rows.flatMap((row) =>
      row.kind === 'step' && row.workflow === name ? [[row.step, rowFunction(stack, app.stage, row)] as const] : [],
    )
    stateMachine(stack, app.stage, name, definition, Object.fromEntries(steps))
  }
}

function stateMachine(
  stack: Stack,
  stage: string,
  name: string,
  definition: object,
  functions: Record<string, Function>,
): void {
  const id = `${name.charAt(0).toUpperCase()}${name.slice(1)}Machine`
  const machine = new StateMachine(stack, id, {
    stateMachineName: nameOf(stage, name),
    stateMachineType: StateMachineType.STANDARD,
    definitionBody: DefinitionBody.fromString(JSON.stringify(definition)),
    definitionSubstitutions: Object.fromEntries(Object.entries(functions).map(([step, fn]) => [step, fn.functionArn])),
    tracingEnabled: true,
    logs: {
      destination: new LogGroup(stack, `${id}Logs`, {
        logGroupName: `/aws/vendedlogs/states/${nameOf(stage, name)}`,
        ...logs(stage),
      }),
      level: LogLevel.ALL,
      includeExecutionData: false,
    },
  })
  const resources = Object.values(functions).map((fn) => fn.functionArn)
  machine.addToRolePolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources }))
  NagSuppressions.addResourceSuppressions(
    machine,
    [
      {
        id: 'AwsSolutions-IAM5',
        reason: 'Delivery of vended logs and X-Ray know no resource; these are the actions AWS names for both.',
        appliesTo: ['Resource::*'],
      },
    ],
    true,
  )
  stack.addOutputs({ [`${id}Arn`]: machine.stateMachineArn })
}
