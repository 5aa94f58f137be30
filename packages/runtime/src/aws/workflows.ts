import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  type SFNClientConfig,
  StartExecutionCommand,
  StopExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn'
import { type ExecutionState, Fault, type Workflows } from '@cloudoptima/core'
import type { StateMachineArn } from '../aws.ts'

const statuses: Record<string, ExecutionState['status']> = {
  RUNNING: 'running',
  SUCCEEDED: 'succeeded',
  ABORTED: 'stopped',
}

/** Executions on Step Functions, which refuses a name that it saw in the last 90 days. */
export function createWorkflows(config: SFNClientConfig, arnOf: StateMachineArn): Workflows {
  const client = new SFNClient(config)
  const executionArn = (workflow: string, name: string) =>
    `${arnOf(workflow).replace(':stateMachine:', ':execution:')}:${name}`
  const read = async (arn: string): Promise<DescribeExecutionCommandOutput | undefined> => {
    try {
      return await client.send(new DescribeExecutionCommand({ executionArn: arn }))
    } catch (error) {
      if (error instanceof ExecutionDoesNotExist) return undefined
      throw error
    }
  }

  return {
    async start(workflow, name, input) {
      const execution = { stateMachineArn: arnOf(workflow), name, input: JSON.stringify(input) }
      try {
        await client.send(new StartExecutionCommand(execution))
      } catch (error) {
        if (!(error instanceof ExecutionAlreadyExists)) throw error
      }
    },
    async stop(workflow, name, cause) {
      const arn = executionArn(workflow, name)
      if ((await read(arn))?.status === 'RUNNING')
        await client.send(new StopExecutionCommand({ executionArn: arn, cause }))
    },
    async describe(workflow, name) {
      const found = await read(executionArn(workflow, name))
      return found && stateOf(found)
    },
    succeed: async (taskToken, output) =>
      await answering(client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output ?? null) }))),
    fail: async (taskToken, error) => await answering(client.send(new SendTaskFailureCommand({ taskToken, ...error }))),
  }
}

function stateOf({ status = 'FAILED', output, error, cause }: DescribeExecutionCommandOutput): ExecutionState {
  const known = statuses[status] ?? 'failed'
  if (known === 'succeeded') return { status: known, output: JSON.parse(output ?? 'null') as unknown }
  const reason = [error, cause].filter(Boolean).join(': ')
  return { status: known, ...(reason !== '' && { error: reason }) }
}

async function answering(sent: Promise<unknown>) {
  try {
    await sent
  } catch (error) {
    if (error instanceof TaskDoesNotExist || error instanceof TaskTimedOut || error instanceof InvalidToken)
      throw new Fault('conflict', 'No task waits for this token: it is unknown, was answered before, or timed out.')
    throw error
  }
}
