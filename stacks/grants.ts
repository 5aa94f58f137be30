import type { Stack } from 'aws-cdk-lib'
import type { NagPackSuppression } from 'cdk-nag'
import { isRehearsal, nameOf, pattern, stateMachines } from './stage.ts'
import { settings } from './settings.ts'

export interface Grant {
  actions: string[]
  resources: string[]
  conditions?: Record<string, Record<string, string>>
  because?: NagPackSuppression
}

export interface Extra {
  environment?: Record<string, string>
  grants?: Grant[]
}

export const anyOrganization = pattern(
  'A key begins with the organization, which only the request knows. The pattern names the folder below it.',
  { regex: String.raw`/^Resource::[^*]+\/\*\/(uploads|raw|lake|price-lists|imports|templates|answers)\//` },
)

export function starts(stack: Stack, stage: string, ...workflows: string[]): Required<Extra> {
  const beginning = stateMachines(stack, stage)
  return {
    environment: { STATE_MACHINES: beginning },
    grants: [{ actions: ['states:StartExecution'], resources: workflows.map((name) => beginning + name) }],
  }
}

const anyTask = pattern(
  'The emulator checks answers to tasks against no state machine, so only a grant on all resources matches. Other ' +
    'stages name the state machine.',
  'Resource::*',
)

/** Ends a task that waits for its token. */
export function answers(stack: Stack, stage: string, workflow: string): Required<Extra> {
  const beginning = stateMachines(stack, stage)
  return {
    environment: { STATE_MACHINES: beginning },
    grants: [
      {
        actions: ['states:SendTaskSuccess'],
        ...(isRehearsal(stage) ? { resources: ['*'], because: anyTask } : { resources: [beginning + workflow] }),
      },
    ],
  }
}

/** Of the rehearsal: some requests to AWS leave without an SDK, which would know the emulator's address. */
export function standIn(stage: string): Record<string, string> {
  const { customerEndpoint: aws } = settings()
  return isRehearsal(stage) && aws !== undefined ? { CLOUD_ENDPOINTS: JSON.stringify({ aws }) } : {}
}

/** Sends messages to queues. Under an emulator's address the SDK sends to the emulator. */
export function sends(stack: Stack, stage: string, ...queues: string[]): Required<Extra> {
  const origin = settings().endpoint ?? `https://sqs.${stack.region}.${stack.urlSuffix}`
  return {
    environment: { QUEUES: `${origin}/${stack.account}/${nameOf(stage, '')}` },
    grants: [
      {
        actions: ['sqs:SendMessage'],
        resources: queues.map((queue) => stack.formatArn({ service: 'sqs', resource: nameOf(stage, queue) })),
      },
    ],
  }
}

/** Reads the state of the executions of a workflow, or does more with them. */
export function executions(stack: Stack, stage: string, workflow: string, ...verbs: string[]): Grant {
  const beginning = `${stateMachines(stack, stage)}${workflow}`.replace(':stateMachine:', ':execution:')
  return {
    actions: ['Describe', ...verbs].map((verb) => `states:${verb}Execution`),
    resources: [`${beginning}:*`],
    because: pattern('An execution has the name of its import or of its plan. The pattern names the workflow.', {
      regex: String.raw`/^Resource::.*:execution:[\w-]+:\*$/`,
    }),
  }
}

/** Our template's roles require the organization's external id. */
export function customerRoles(stack: Stack): Grant {
  const resource = stack.formatArn({
    service: 'iam',
    region: '',
    account: '*',
    resource: 'role',
    resourceName: 'CloudOptima*',
  })
  return {
    actions: ['sts:AssumeRole'],
    resources: [resource],
    because: pattern(
      'The accounts are unknown before their customers connect them. The pattern names the prefix of our roles.',
      'Resource::arn:<AWS::Partition>:iam::*:role/CloudOptima*',
    ),
  }
}

/** Writes the table that the stage names. */
export function timestream(stack: Stack): Required<Extra> {
  const { timestreamTable = '' } = settings()
  const [database, table] = timestreamTable.split('/')
  const resource = stack.formatArn({
    service: 'timestream',
    resource: 'database',
    resourceName: `${database}/table/${table}`,
  })
  return {
    environment: { TIMESTREAM_TABLE: timestreamTable },
    grants: [
      { actions: ['timestream:WriteRecords'], resources: [resource] },
      {
        actions: ['timestream:DescribeEndpoints'],
        resources: ['*'],
        because: pattern(
          'DescribeEndpoints, with which the SDK finds its endpoint, knows no resources.',
          'Resource::*',
        ),
      },
    ],
  }
}
