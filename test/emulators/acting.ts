import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import type { ActionName, ActionParameters, ActionTarget } from '@cloudoptima/core'
import { createClouds } from '@cloudoptima/providers/access'
import { type ActionWorld, assertContract, type FateOf } from '@cloudoptima/providers/testing/action'
import type { AwsRequest } from '@cloudoptima/providers/testing/aws'
import fc from 'fast-check'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { collectionOf, emulators } from './collection.ts'
import { fatedFront } from './fated.ts'

// The contract of actions in accounts of moto.

/** Its URL; empty if it does not run. */
export const { moto = '' } = emulators
export const region = 'eu-west-1'
const own = { accessKeyId: 'AKIAOURS', secretAccessKey: 'test' }
const load = createRequire(join(dirname(dirname(import.meta.dirname)), 'packages', 'providers', 'package.json'))
type Sdk = Record<string, new (given: object) => { send(command: unknown): Promise<unknown> }>
export type Fields = Record<string, unknown>
/** Calls an operation of moto in the account: `make('rds', 'RDS', 'CreateDBInstance', {})`. */
type Make = (sdk: string, client: string, command: string, input: object) => Promise<Fields>

export interface Account {
  id: string
  make: Make
}

let accounts = 0

async function newAccount(): Promise<Account> {
  const id = String(300_000_000_000 + (Date.now() % 1_000_000_000) + accounts++)
  const sts = new STSClient({ endpoint: moto, region: 'us-east-1', credentials: own })
  const asked = { RoleArn: `arn:aws:iam::${id}:role/Customer`, RoleSessionName: 'customer' }
  const { Credentials } = await sts.send(new AssumeRoleCommand(asked))
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = Credentials ?? {}
  const settings = { endpoint: moto, region, credentials: { accessKeyId, secretAccessKey, sessionToken } }
  const make: Make = async (sdkName, client, command, input) => {
    const sdk = load(`@aws-sdk/client-${sdkName}`) as Sdk
    const [Client, Command] = [sdk[`${client}Client`], sdk[`${command}Command`]]
    if (!Client || !Command) throw new Error(`no ${client} or ${command}`)
    const { $metadata: _, ...answer } = (await new Client({ ...settings, forcePathStyle: true }).send(
      new Command(input),
    )) as Fields
    return answer
  }
  return { id, make }
}

interface Case<Given> {
  action: ActionName
  given: fc.Arbitrary<Given>
  /** Makes the resource. */
  made(account: Account, given: Given): Promise<ActionTarget>
  parameters?(given: Given): ActionParameters
  /** What must be as before, in addition to the state. */
  world?(account: Account, target: ActionTarget): Promise<unknown>
  /** Where moto has no answer; it sees each call. */
  answer?(asked: AwsRequest, account: Account): object | undefined | Promise<object | undefined>
}

const opening =
  <Given>({ action: name, made, parameters, world, answer }: Case<Given>) =>
  async (given: Given, fateOf: FateOf): Promise<ActionWorld> => {
    const account = await newAccount()
    const target = await made(account, given)
    const front = await fatedFront({ emulator: moto, fateOf, answer: (asked) => answer?.(asked, account) })
    const { aws } = createClouds({ endpoints: { aws: front.url }, awsCredentials: own })
    const roleArn = `arn:aws:iam::${account.id}:role/CloudOptimaAct`
    const { access } = collectionOf({ cloud: 'aws', roleArn, externalId: 'co-3f6d1b0c9a5e4c27' })
    const action = await aws.action(access, name)
    if (!action) throw new Error(`AWS has no ${name}`)
    return {
      action,
      target,
      parameters: parameters?.(given) ?? {},
      pass: () => undefined,
      everything: async (one) => [await action.readState(one), await world?.(account, one)],
      close: front.close,
    }
  }

/** Asserts that an action keeps its contract in new accounts. */
export const contractOf = async <Given>(one: Case<Given>) =>
  await assertContract({ given: one.given, open: opening(one), runs: 6 })

export const protectedTag = { Key: 'cloudoptima:protected', Value: 'true' }
export const tagsOf = (isProtected: boolean) => [{ Key: 'Team', Value: 'shop' }, ...(isProtected ? [protectedTag] : [])]
/** Mostly not protected. */
export const protection = fc.integer({ min: 0, max: 4 }).map((n) => n === 0)
