import { ArnFormat, type Stack } from 'aws-cdk-lib'
import { settings } from './settings.ts'

/** The name of something of a stage; without a second part, of the stage itself. */
export function nameOf(stage: string, name?: string): string {
  return ['cloudoptima', stage, ...(name === undefined ? [] : [name])].join('-')
}

/** The URL of each queue, up to the name of the queue. Under an emulator's address the SDK sends to the emulator. */
export function queueUrls(stack: Stack, stage: string): string {
  const origin = settings().endpoint ?? `https://sqs.${stack.region}.${stack.urlSuffix}`
  return `${origin}/${stack.account}/${nameOf(stage, '')}`
}

/**
 * The ARN of each workflow's state machine, up to the name of the workflow. A reference would be a circular dependency: the state machine waits for the
 * functions of its steps.
 */
export function stateMachines(stack: Stack, stage: string): string {
  return stack.formatArn({
    service: 'states',
    resource: 'stateMachine',
    resourceName: nameOf(stage, ''),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  })
}
