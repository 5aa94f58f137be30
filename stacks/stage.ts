import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import type { KeyProps } from 'aws-cdk-lib/aws-kms'
import { RetentionDays, type LogGroupProps } from 'aws-cdk-lib/aws-logs'

/** Whether a stage is temporary. Every other stage keeps its data when its stacks are removed. */
export function isPassing(stage: string): boolean {
  return stage === 'rehearsal' || /^(dev|pr)-/.test(stage)
}

/** What happens to the table and the buckets when their stack is removed. */
export function removalPolicy(stage: string): RemovalPolicy {
  return isPassing(stage) ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN
}

/** What happens to a key when its stack is removed. Its data can be decrypted for as long as it exists. AWS deletes a key after a week at the earliest. */
export function keyRemoval(stage: string): Pick<KeyProps, 'removalPolicy' | 'pendingWindow'> {
  return { removalPolicy: removalPolicy(stage), ...(isPassing(stage) && { pendingWindow: Duration.days(7) }) }
}

/** The retention of logs. A log group is removed with its stack: otherwise its fixed name would make the next deployment fail. */
export function logs(stage: string): Pick<LogGroupProps, 'retention' | 'removalPolicy'> {
  return {
    retention: isPassing(stage) ? RetentionDays.ONE_WEEK : RetentionDays.THREE_MONTHS,
    removalPolicy: RemovalPolicy.DESTROY,
  }
}

/** Graviton on AWS; the emulator of the rehearsal runs functions as processes of this machine. */
export function architecture(stage: string): 'arm_64' | 'x86_64' {
  return stage === 'rehearsal' && process.arch === 'x64' ? 'x86_64' : 'arm_64'
}

/** Whether the stage is deployed to the emulator, which lacks some resources (AWS::Events::Archive). */
export function isRehearsal(stage: string): boolean {
  return stage === 'rehearsal'
}
