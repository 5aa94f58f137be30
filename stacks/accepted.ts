import { NagSuppressions } from 'cdk-nag'
import type { IConstruct } from 'constructs'

/** Of cdk-nag, on a construct and those within it. */
export function accept(construct: IConstruct, id: string, reason: string, ...appliesTo: string[]): void {
  const finding = { id: `AwsSolutions-${id}`, reason, ...(appliesTo.length > 0 && { appliesTo }) }
  NagSuppressions.addResourceSuppressions(construct, [finding], true)
}
