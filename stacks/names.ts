import { ArnFormat, type Stack } from 'aws-cdk-lib'
import { settings } from './settings.ts'

export function nameOf(stage: string, name?: string): string {
  return ['cloudoptima', stage, ...(name === undefined ? [] : [name])].join('-')
}

/** The URL of each queue, up to its name. */
export function queueUrls(stack: Stack, stage: string): string {
  const origin = settings().endpoint ?? `https://sqs.${stack.region}.${stack.urlSuffix}`
  return `${origin}/${stack.account}/${nameOf(stage, '')}`
}

/** The ARN of each state machine, up to its name; a reference would be circular. */
export function stateMachines(stack: Stack, stage: string): string {
  return stack.formatArn({
    service: 'states',
    resource: 'stateMachine',
    resourceName: nameOf(stage, ''),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  })
}
