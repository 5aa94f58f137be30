import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand, type SFNClientConfig } from '@aws-sdk/client-sfn'
import type { Workflows } from '@cloudoptima/core'
import type { StateMachineArns } from '../aws.ts'

/** Executions on Step Functions, which refuses a name that it has seen in the last 90 days. */
export function createWorkflows(config: SFNClientConfig, arns: StateMachineArns): Workflows {
  const client = new SFNClient(config)
  return {
    async start(workflow, name, input) {
      try {
        await client.send(
          new StartExecutionCommand({ stateMachineArn: arns[workflow], name, input: JSON.stringify(input) }),
        )
      } catch (error) {
        if (!(error instanceof ExecutionAlreadyExists)) throw error
      }
    },
  }
}
