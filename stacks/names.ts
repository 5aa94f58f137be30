import { ArnFormat, type Stack } from 'aws-cdk-lib'

// Functions are told the beginning of these names: a reference would make a function and the state machine that invokes it wait for each other.

/** The ARN of each workflow's state machine begins so; its name follows. */
export function stateMachines(stack: Stack, stage: string): string {
  return stack.formatArn({
    service: 'states',
    resource: 'stateMachine',
    resourceName: nameOf(stage, ''),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  })
}

/** The URL of each queue begins so; its name follows. */
export function queues(stack: Stack, stage: string): string {
  return `https://sqs.${stack.region}.${stack.urlSuffix}/${stack.account}/${nameOf(stage, '')}`
}

/** The name of something of a stage. */
export function nameOf(stage: string, name: string): string {
  return `cloudoptima-${stage}-${name}`
}
