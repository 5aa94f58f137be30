import { RemovalPolicy } from 'aws-cdk-lib'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'

/** Whether a stage is there to be thrown away. Any name that does not say so keeps its data when its stacks are removed. */
export function isPassing(stage: string): boolean {
  return stage === 'rehearsal' || /^(dev|pr)-/.test(stage)
}

/** What becomes of things that hold data when their stack is removed. */
export function removalPolicy(stage: string): RemovalPolicy {
  return isPassing(stage) ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN
}

/** How long logs are kept. */
export function logRetention(stage: string): RetentionDays {
  return isPassing(stage) ? RetentionDays.ONE_WEEK : RetentionDays.THREE_MONTHS
}

/** Graviton in an account; the emulator of the rehearsal runs functions as processes of the machine that it is on. */
export function architecture(stage: string): 'arm_64' | 'x86_64' {
  return stage === 'rehearsal' && process.arch === 'x64' ? 'x86_64' : 'arm_64'
}

/** Resources that the emulator of the rehearsal does not know (AWS::Events::Archive) are left out there, and only there. */
export function isRehearsal(stage: string): boolean {
  return stage === 'rehearsal'
}
