import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeSteps } from '../../packages/local/src/services/testing/contract/steps.ts'
import { definitions, functionsOf } from '../../packages/local/src/services/testing/contract/workflows.ts'
import type { Account } from './account.ts'
import type { Emulator } from './emulator.ts'
import { deployStack } from './stack.ts'

const root = join(import.meta.dirname, '..', '..')
const run = promisify(execFile)

/**
 * Deploys the contract's state machines with Lambda functions, and runs the same tests as over the embedded
 * interpreter.
 */
export async function keepContract(account: Account, { env }: Emulator): Promise<void> {
  const { Tokens = '', ...machines } = await deployStack(account, 'workflows-contract', JSON.stringify(template()))
  const contract = 'packages/local/src/services/workflows/workflows-contract.test.ts'
  const variables = { ...env, CONTRACT_STATE_MACHINES: JSON.stringify(machines), CONTRACT_TOKENS: Tokens }
  const command = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', contract]
  try {
    await run(process.execPath, command, { cwd: root, env: variables })
  } catch (error) {
    throw new Error((error as { stdout?: string }).stdout, { cause: error })
  }
}

function template(): object {
  const invoked = [...new Set(Object.values(definitions).flatMap(functionsOf))]
  const arnOf = (resource: string) => ({ 'Fn::GetAtt': [resource, 'Arn'] })
  const functions = invoked.map((name) => [`Function${name}`, lambdaOf(name, arnOf('FunctionRole'))])
  const machines = Object.entries(definitions).map(([name, definition]) => [
    name,
    {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        RoleArn: arnOf('MachineRole'),
        DefinitionString: JSON.stringify(definition),
        DefinitionSubstitutions: Object.fromEntries(
          functionsOf(definition).map((invoked) => [invoked, arnOf(`Function${invoked}`)]),
        ),
      },
    },
  ])
  return {
    Resources: {
      Tokens: {
        Type: 'AWS::DynamoDB::Table',
        Properties: {
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        },
      },
      FunctionRole: roleOf('lambda', 'dynamodb:PutItem', arnOf('Tokens')),
      MachineRole: roleOf('states', 'lambda:InvokeFunction', '*'),
      ...(Object.fromEntries(functions) as object),
      ...(Object.fromEntries(machines) as object),
    },
    Outputs: {
      Tokens: { Value: { Ref: 'Tokens' } },
      ...Object.fromEntries(Object.keys(definitions).map((name) => [name, { Value: { Ref: name } }])),
    },
  }
}

function roleOf(service: string, Action: string, Resource: unknown): object {
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Statement: [{ Effect: 'Allow', Principal: { Service: `${service}.amazonaws.com` }, Action: 'sts:AssumeRole' }],
      },
      Policies: [{ PolicyName: 'contract', PolicyDocument: { Statement: [{ Effect: 'Allow', Action, Resource }] } }],
    },
  }
}

function lambdaOf(step: string, Role: unknown): object {
  return {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Timeout: 30,
      Role,
      Environment: { Variables: { STEP: step, TOKENS: { Ref: 'Tokens' } } },
      Code: { ZipFile: code },
    },
  }
}

/** Node runs this file as it is, without its types: so the text of a function is JavaScript. */
const code = `
const { DynamoDBClient, PutItemCommand } = require('@aws-sdk/client-dynamodb')
const client = new DynamoDBClient()
const keep = async (key, token) => {
  await client.send(new PutItemCommand({ TableName: process.env.TOKENS, Item: { id: { S: key }, token: { S: token } } }))
}
const steps = (${makeSteps.toString()})(keep)
exports.handler = async (event) => await steps[process.env.STEP](event)
`
