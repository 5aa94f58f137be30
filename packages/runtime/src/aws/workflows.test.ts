import { describe, expect, test } from 'vitest'
import { createRuntime, noLake } from '../aws.ts'
import { service } from '../testing/service.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const names = { region: 'us-east-1', credentials, tableName: 'table', bucketName: 'bucket', lake: noLake }

test('start ignores ExecutionAlreadyExists, and throws on any other error', async () => {
  const start = async (answer: object) => {
    const { url, asked } = await service(400, answer)
    const { workflows } = createRuntime({
      ...names,
      endpoints: { stepfunctions: url },
      stateMachineArn: () => 'arn:aws:states:us-east-1:1:stateMachine:p',
    })
    await workflows.start('bills', 'imp_1', { importId: 'imp_1' })
    return asked
  }
  expect(await start({ __type: 'ExecutionAlreadyExists', message: 'exists' })).toStrictEqual([
    {
      target: 'AWSStepFunctions.StartExecution',
      body: {
        stateMachineArn: 'arn:aws:states:us-east-1:1:stateMachine:p',
        name: 'imp_1',
        input: '{"importId":"imp_1"}',
      },
    },
  ])
  await expect(start({ __type: 'StateMachineDoesNotExist', message: 'no such machine' })).rejects.toThrow(
    'no such machine',
  )
})

describe('an execution on Step Functions', () => {
  const stateMachineArn = () => 'arn:aws:states:us-east-1:1:stateMachine:p'
  const executionArn = 'arn:aws:states:us-east-1:1:execution:p:imp_1'
  const workflowsOn = async (status: number, answer: object) => {
    const { url, asked } = await service(status, answer)
    const { workflows } = createRuntime({ ...names, endpoints: { stepfunctions: url }, stateMachineArn })
    return { asked, workflows }
  }

  test.each([
    [{ status: 'RUNNING' }, { status: 'running' }],
    [
      { status: 'SUCCEEDED', output: '{"n":1}' },
      { status: 'succeeded', output: { n: 1 } },
    ],
    [
      { status: 'FAILED', error: 'Boom', cause: 'why' },
      { status: 'failed', error: 'Boom: why' },
    ],
    [{ status: 'TIMED_OUT' }, { status: 'failed' }],
    [
      { status: 'ABORTED', cause: 'enough' },
      { status: 'stopped', error: 'enough' },
    ],
  ])('that answers %j is %j', async (answer, state) => {
    const { workflows, asked } = await workflowsOn(200, answer)
    expect(await workflows.describe('bills', 'imp_1')).toStrictEqual(state)
    expect(asked).toStrictEqual([{ target: 'AWSStepFunctions.DescribeExecution', body: { executionArn } }])
  })

  test('is stopped only while it runs, and is undefined if Step Functions does not have it', async () => {
    const running = await workflowsOn(200, { status: 'RUNNING' })
    await running.workflows.stop('bills', 'imp_1', 'enough')
    expect(running.asked.at(-1)).toStrictEqual({
      target: 'AWSStepFunctions.StopExecution',
      body: { executionArn, cause: 'enough' },
    })
    const ended = await workflowsOn(200, { status: 'SUCCEEDED', output: 'null' })
    await ended.workflows.stop('bills', 'imp_1', 'enough')
    const unknown = await workflowsOn(400, { __type: 'ExecutionDoesNotExist', message: 'none' })
    await unknown.workflows.stop('bills', 'imp_1', 'enough')
    expect(await unknown.workflows.describe('bills', 'imp_1')).toBeUndefined()
    expect([...ended.asked, ...unknown.asked].map(({ target }) => target)).not.toContain(
      'AWSStepFunctions.StopExecution',
    )
  })

  test('is resumed by its task tokens; a refused token is Fault conflict', async () => {
    const { workflows, asked } = await workflowsOn(200, {})
    await workflows.succeed('token', undefined)
    await workflows.fail('token', { error: 'Refused', cause: 'too risky' })
    expect(asked).toStrictEqual([
      { target: 'AWSStepFunctions.SendTaskSuccess', body: { taskToken: 'token', output: 'null' } },
      {
        target: 'AWSStepFunctions.SendTaskFailure',
        body: { taskToken: 'token', error: 'Refused', cause: 'too risky' },
      },
    ])
    for (const type of ['TaskDoesNotExist', 'TaskTimedOut', 'InvalidToken']) {
      const refusing = await workflowsOn(400, { ['__type']: type, message: 'no' })
      await expect(refusing.workflows.succeed('token', 1)).rejects.toMatchObject({ name: 'Fault', code: 'conflict' })
    }
    const broken = await workflowsOn(400, { __type: 'InvalidOutput', message: 'no JSON' })
    await expect(broken.workflows.succeed('token', 1)).rejects.toThrow('no JSON')
  })
})
