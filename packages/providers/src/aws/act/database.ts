import type * as RdsSdk from '@aws-sdk/client-rds'
import type { DBInstance } from '@aws-sdk/client-rds'
import type { ActionOrder, ActionStep } from '@cloudoptima/core'
import { goingOn, refused } from '../../access/steps.ts'
import type { Reader } from '../collect/reader.ts'
import { found } from './account.ts'
import { hindranceOf } from './hindrance.ts'

/** RDS in one region of an account. */
export interface Rds {
  sdk: typeof RdsSdk
  client: RdsSdk.RDSClient
  region: string
}

export async function rdsIn(account: Reader, region: string): Promise<Rds> {
  const sdk = await import('@aws-sdk/client-rds')
  return { sdk, client: account.client('rds', sdk.RDSClient, region), region }
}

/** The last part of an ARN: `shop` of `arn:aws:rds:eu-west-1:111111111111:db:shop`. */
export const lastOf = (arn: string): string => arn.slice(arn.lastIndexOf(':') + 1)

export async function databaseOf({ sdk, client }: Rds, id: string): Promise<DBInstance | undefined> {
  const asked = { DBInstanceIdentifier: lastOf(id) }
  const answer = await found(async () => await client.send(new sdk.DescribeDBInstancesCommand(asked)))
  return answer?.DBInstances?.[0]
}

/** In these states a database serves, and soon is `available` by itself. */
const serving = /^(backing-up|storage-optimization|storage-initialization|configuring-[\w-]+)$/
/** No waiting ends these states. */
const broken = /^(failed|deleting|storage-full|insufficient-capacity|restore-error|inaccessible-.*|incompatible-.*)$/

/** https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html#Overview.DBInstance.Status */
export function statusOf({ DBInstanceStatus = '' }: DBInstance): string {
  return serving.test(DBInstanceStatus) ? 'available' : DBInstanceStatus
}

export function waiting({ DBInstanceStatus = '' }: DBInstance, memory: ActionOrder['memory']): ActionStep {
  return broken.test(DBInstanceStatus)
    ? refused(memory, `The database is ${DBInstanceStatus}. Repair it first.`)
    : goingOn(memory, 30, `The database is ${DBInstanceStatus}.`)
}

export const databaseGone = ({ memory, target }: ActionOrder): ActionStep =>
  refused(memory, `The database ${target.id} does not exist any more.`)

/** Amazon DocumentDB and Neptune share the API of RDS, and have other rules. */
const otherEngine = /^(docdb|neptune)/

/** Why a database is neither stopped nor changed. */
export function databaseHindrance(database: DBInstance): string | undefined {
  const { Engine = '', TagList = [] } = database
  const hindrance = hindranceOf({ Tags: TagList })
  if (hindrance !== undefined) return hindrance
  if (otherEngine.test(Engine)) return `Its engine is ${Engine}, and the product changes databases of RDS alone.`
  const status = statusOf(database)
  return status === 'available' || status === 'stopped'
    ? undefined
    : `It is ${status}. Try again when it is available or stopped.`
}
