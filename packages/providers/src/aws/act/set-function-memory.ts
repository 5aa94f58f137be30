import type * as LambdaSdk from '@aws-sdk/client-lambda'
import type { FunctionConfiguration } from '@aws-sdk/client-lambda'
import type { ActionOrder, ActionState, ActionStep, ActionTarget, CloudAction } from '@cloudoptima/core'
import { differences, done, goingOn, refused } from '../../access/steps.ts'
import type { Reader } from '../collect/reader.ts'
import { changing, found } from './account.ts'
import { lastOf } from './database.ts'
import { hindranceOf, notesOf } from './hindrance.ts'
import { tagsOn } from './tags.ts'

interface Lambda {
  sdk: typeof LambdaSdk
  client: LambdaSdk.LambdaClient
}

async function lambdaIn(account: Reader, region: string): Promise<Lambda> {
  const sdk = await import('@aws-sdk/client-lambda')
  return { sdk, client: account.client('lambda', sdk.LambdaClient, region) }
}

async function functionOf({ sdk, client }: Lambda, { id }: ActionTarget): Promise<FunctionConfiguration | undefined> {
  const asked = { FunctionName: lastOf(id) }
  return await found(async () => await client.send(new sdk.GetFunctionConfigurationCommand(asked)))
}

/** The action `set-function-memory`, on the version `$LATEST`. */
export function setFunctionMemory(account: Reader): CloudAction {
  const readState: CloudAction['readState'] = async (target) => {
    const { MemorySize } = (await functionOf(await lambdaIn(account, target.region), target)) ?? {}
    return MemorySize === undefined ? undefined : { MemorySize }
  }
  return {
    readState,
    async plan({ target, parameters }) {
      const MemorySize = Number(parameters['memoryMb'])
      const lambda = await lambdaIn(account, target.region)
      const own = await functionOf(lambda, target)
      if (!own) return { refusal: 'The function does not exist any more.' }
      if (own.MemorySize === MemorySize) return 'done already'
      const Tags = await tagsOn(account, target)
      const refusal = hindranceOf({ Tags }) ?? unsettable(own)
      if (refusal !== undefined) return { refusal }
      const notes = [...(await notesOfVersions(lambda, target)), ...notesOf({ Tags })]
      return { after: { MemorySize }, undo: 'full', lost: [], losesData: null, notes }
    },
    act: async (order) => await stepTo(account, order, order.after),
    verify: async ({ target, after }) => differences(await readState(target), after),
    undo: async (order) => await stepTo(account, order, order.before),
  }
}

function unsettable({ State, LastUpdateStatus, CapacityProviderConfig }: FunctionConfiguration): string | undefined {
  if (CapacityProviderConfig) return 'It runs on instances of yours, which set what it costs. Change these instances.'
  if (State === 'Pending' || LastUpdateStatus === 'InProgress')
    return 'It is being updated. Try again when the update is over.'
  return undefined
}

/** Published versions keep their memory: https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html */
async function notesOfVersions({ sdk, client }: Lambda, { id }: ActionTarget): Promise<string[]> {
  const pages = await Array.fromAsync(sdk.paginateListAliases({ client }, { FunctionName: lastOf(id) }))
  const fixed = pages
    .flatMap(({ Aliases = [] }) => Aliases)
    .filter(({ FunctionVersion }) => FunctionVersion !== '$LATEST')
  return fixed.map(
    ({ Name, FunctionVersion }) =>
      `The alias ${Name} stays on version ${FunctionVersion} with its memory, until a new version is published.`,
  )
}

/** Lambda knows of another update; the next step reads it. */
const interfering = new Set(['PreconditionFailedException', 'ResourceConflictException'])

async function stepTo(account: Reader, order: ActionOrder, state: ActionState | null): Promise<ActionStep> {
  const { target, memory } = order
  const { sdk, client } = await lambdaIn(account, target.region)
  const own = await functionOf({ sdk, client }, target)
  if (!own) return refused(memory, `The function ${target.id} does not exist any more.`)
  if (own.LastUpdateStatus === 'InProgress') return goingOn(memory, 5, 'The function is being updated.')
  const MemorySize = Number(state?.['MemorySize'])
  if (own.MemorySize === MemorySize)
    return own.LastUpdateStatus === 'Failed'
      ? refused(memory, `AWS could not update the function: ${own.LastUpdateStatusReason ?? ''}`)
      : done(memory)
  const given = { FunctionName: lastOf(target.id), MemorySize, RevisionId: own.RevisionId }
  return await changing(
    memory,
    async () => {
      await client.send(new sdk.UpdateFunctionConfigurationCommand(given))
      return goingOn(memory, 5, `The function gets ${MemorySize} MB of memory.`)
    },
    ({ awsCode }) => (interfering.has(awsCode) ? goingOn(memory, 5, 'The function was updated just now.') : undefined),
  )
}
