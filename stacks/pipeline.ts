import { readFileSync } from 'node:fs'
import path from 'node:path'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions'
import { NagSuppressions } from 'cdk-nag'
import { use, type StackContext } from 'sst/constructs'
import { Events } from './events.ts'
import { lambda } from './function.ts'
import { anyOrganization } from './grants.ts'
import { logs } from './stage.ts'
import { Storage } from './storage.ts'

/** From raw bytes to visible costs: the state machine of `packages/core`, and a function for each of its steps. */
export function Pipeline({ app, stack }: StackContext) {
  const { table, bucket, state } = use(Storage)
  const { bus } = use(Events)

  const changes = bucket.arnForObjects('*/imports/*')

  const normalize = lambda(stack, 'Normalize', {
    handler: 'functions/normalize.handler',
    carries: ['duckdb'],
    // The most that a new account may ask for; with memory come processors.
    memorySize: 3008,
    diskSize: '10 GB',
    timeout: '15 minutes',
    environment: state,
    grants: [
      // Deletes what is remembered of versions that were purged.
      {
        actions: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:DeleteItem'],
        resources: [table.tableArn],
      },
      { actions: ['s3:ListBucket'], resources: [bucket.bucketArn] },
      {
        actions: ['s3:GetObject', 's3:DeleteObject'],
        resources: [bucket.arnForObjects('*/raw/*')],
        because: anyOrganization,
      },
      {
        actions: ['s3:PutObject'],
        resources: [bucket.arnForObjects('*/raw/*/manifest.json')],
        because: anyOrganization,
      },
      // Reads it to see which bills a purged account stands on.
      {
        actions: ['s3:PutObject', 's3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject'],
        resources: [bucket.arnForObjects('*/lake/*')],
        because: anyOrganization,
      },
      { actions: ['s3:PutObject', 's3:GetObject'], resources: [changes], because: anyOrganization },
    ],
  })
  const announce = lambda(stack, 'Announce', {
    handler: 'functions/announce.handler',
    memorySize: 512,
    timeout: '1 minute',
    environment: { ...state, BUS_NAME: bus.eventBusName },
    grants: [
      { actions: ['dynamodb:GetItem'], resources: [table.tableArn] },
      { actions: ['s3:GetObject'], resources: [changes], because: anyOrganization },
      { actions: ['events:PutEvents'], resources: [bus.eventBusArn] },
    ],
  })
  const recordFailure = lambda(stack, 'RecordFailure', {
    handler: 'functions/record-failure.handler',
    memorySize: 512,
    timeout: '1 minute',
    environment: state,
    grants: [
      { actions: ['dynamodb:GetItem', 'dynamodb:PutItem'], resources: [table.tableArn] },
      { actions: ['s3:GetObject'], resources: [changes], because: anyOrganization },
    ],
  })
  const following = (name: 'Detect' | 'Recommend' | 'Track') =>
    lambda(stack, name, {
      handler: `functions/${name.toLowerCase()}.handler`,
      memorySize: 512,
      timeout: '1 minute',
      environment: state,
      grants: [],
    })

  const functions = {
    Normalize: normalize,
    Detect: following('Detect'),
    Recommend: following('Recommend'),
    Track: following('Track'),
    Announce: announce,
    RecordFailure: recordFailure,
  }
  const machine = new StateMachine(stack, 'Machine', {
    stateMachineType: StateMachineType.STANDARD,
    definitionBody: DefinitionBody.fromString(
      readFileSync(path.resolve('packages/core/src/pipeline/bills/bills.asl.json'), 'utf8'),
    ),
    definitionSubstitutions: Object.fromEntries(Object.entries(functions).map(([name, fn]) => [name, fn.functionArn])),
    tracingEnabled: true,
    logs: {
      destination: new LogGroup(stack, 'MachineLogs', {
        logGroupName: `/aws/vendedlogs/states/cloudoptima-${app.stage}-pipeline`,
        ...logs(app.stage),
      }),
      level: LogLevel.ALL,
      includeExecutionData: false,
    },
  })
  machine.addToRolePolicy(
    new PolicyStatement({
      actions: ['lambda:InvokeFunction'],
      resources: Object.values(functions).map((fn) => fn.functionArn),
    }),
  )
  NagSuppressions.addResourceSuppressions(
    machine,
    [
      {
        id: 'AwsSolutions-IAM5',
        reason: 'Delivery of vended logs and X-Ray know no resource; these are the actions AWS names for both.',
        appliesTo: ['Resource::*'],
      },
    ],
    true,
  )

  stack.addOutputs({ PipelineArn: machine.stateMachineArn })
  return { machine }
}
