import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand, type SFNClientConfig } from '@aws-sdk/client-sfn'
import type { Workflows } from '@cloudoptima/core'
import type { StateMachineArn } from '../aws.ts'

/** Executions on Step Functions, which refuses a name that it has seen in the last 90 days. */
export function createWorkflows(config: SFNClientConfig, arnOf: StateMachineArn): Workflows {
  const client = new SFNClient(config)
  return {
    async start(workflow, name, input) {
      try {
        await client.send(
          new StartExecutionCommand({ stateMachineArn: arnOf(workflow), name, input: JSON.stringify(input) }),
        )
      } catch (error) {
        if (!(error instanceof ExecutionAlreadyExists)) throw error
      }
    },
  }
}
