import { clouds } from '@cloudoptima/core'
import { ArnFormat, Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib'
import type { KeyProps } from 'aws-cdk-lib/aws-kms'
import { RetentionDays, type LogGroup, type LogGroupProps } from 'aws-cdk-lib/aws-logs'
import { type NagPackSuppression, NagSuppressions } from 'cdk-nag'
import type { IConstruct } from 'constructs'

/** Any other stage keeps its data when its stacks are removed. */
export function isPassing(stage: string): boolean {
  return stage === 'rehearsal' || /^(dev|pr)-/.test(stage)
}

export function removalPolicy(stage: string): RemovalPolicy {
  return isPassing(stage) ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN
}

/** Without the key its data is lost; AWS keeps a deleted key for a week at least. */
export function keyRemoval(stage: string): Pick<KeyProps, 'removalPolicy' | 'pendingWindow'> {
  return { removalPolicy: removalPolicy(stage), ...(isPassing(stage) && { pendingWindow: Duration.days(7) }) }
}

/** Logs go with their stack: a group left behind would block the next deployment by its fixed name. */
export function logs(stage: string): Pick<LogGroupProps, 'retention' | 'removalPolicy'> {
  return {
    retention: isPassing(stage) ? RetentionDays.ONE_WEEK : RetentionDays.THREE_MONTHS,
    removalPolicy: RemovalPolicy.DESTROY,
  }
}

/** Graviton; the rehearsal runs functions as processes of this machine. */
export function architecture(stage: string): 'arm_64' | 'x86_64' {
  return stage === 'rehearsal' && process.arch === 'x64' ? 'x86_64' : 'arm_64'
}

/** The emulator lacks some resources. */
export function isRehearsal(stage: string): boolean {
  return stage === 'rehearsal'
}

/** Without the asterisk that CDK appends. */
export function arnOf(stack: Stack, { logGroupName: resourceName }: LogGroup): string {
  return stack.formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  })
}

export function nameOf(stage: string, name?: string): string {
  return ['cloudoptima', stage, ...(name === undefined ? [] : [name])].join('-')
}

/** The queues of collections. */
export const collectQueues = [...clouds.map((cloud) => `collect-${cloud}`), 'processing']

/** The ARN of each state machine, up to its name; a reference would be circular. */
export function stateMachines(stack: Stack, stage: string): string {
  return stack.formatArn({
    service: 'states',
    resource: 'stateMachine',
    resourceName: nameOf(stage, ''),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  })
}

/** Why a grant may name its resources by a pattern. */
export function pattern(reason: string, ...appliesTo: (string | { regex: string })[]): NagPackSuppression {
  return { id: 'AwsSolutions-IAM5', reason, appliesTo }
}

/** A finding of cdk-nag on a construct and those within it. */
export function accept(construct: IConstruct, id: string, reason: string, ...appliesTo: string[]): void {
  const finding = { id: `AwsSolutions-${id}`, reason, ...(appliesTo.length > 0 && { appliesTo }) }
  NagSuppressions.addResourceSuppressions(construct, [finding], true)
}
