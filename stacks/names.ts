import { clouds } from '@cloudoptima/core'
import { ArnFormat, type Stack } from 'aws-cdk-lib'

export function nameOf(stage: string, name?: string): string {
  return ['cloudoptima', stage, ...(name === undefined ? [] : [name])].join('-')
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

/** The queues of collections, by cloud. */
export const collectQueues = clouds.map((cloud) => `collect-${cloud}`)
