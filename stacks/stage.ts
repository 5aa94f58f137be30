import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import type { KeyProps } from 'aws-cdk-lib/aws-kms'
import { RetentionDays, type LogGroupProps } from 'aws-cdk-lib/aws-logs'

/** Whether a stage is there to be thrown away. Any name that does not say so keeps its data when its stacks are removed. */
export function isPassing(stage: string): boolean {
  return stage === 'rehearsal' || /^(dev|pr)-/.test(stage)
}

/** What becomes of the table and the buckets when their stack is removed. */
export function removalPolicy(stage: string): RemovalPolicy {
  return isPassing(stage) ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN
}

/** What becomes of a key when its stack is removed: what it encrypted can be read for as long as it stays. A week is the shortest that AWS takes. */
export function keyRemoval(stage: string): Pick<KeyProps, 'removalPolicy' | 'pendingWindow'> {
  return { removalPolicy: removalPolicy(stage), ...(isPassing(stage) && { pendingWindow: Duration.days(7) }) }
}

/** How logs are kept. They go with their stack: a log group of a fixed name that stayed would stand in the way of the next deployment. */
export function logs(stage: string): Pick<LogGroupProps, 'retention' | 'removalPolicy'> {
  return {
    retention: isPassing(stage) ? RetentionDays.ONE_WEEK : RetentionDays.THREE_MONTHS,
    removalPolicy: RemovalPolicy.DESTROY,
  }
}

/** Graviton in an account; the emulator of the rehearsal runs functions as processes of the machine that it is on. */
export function architecture(stage: string): 'arm_64' | 'x86_64' {
  return stage === 'rehearsal' && process.arch === 'x64' ? 'x86_64' : 'arm_64'
}

/** Resources that the emulator of the rehearsal does not know (AWS::Events::Archive) are left out there, and only there. */
export function isRehearsal(stage: string): boolean {
  return stage === 'rehearsal'
}
