import type { DBInstance, OrderableDBInstanceOption } from '@aws-sdk/client-rds'
import type { ActionOrder, ActionPlan, ActionStep, CloudAction } from '@cloudoptima/core'
import { differences, done, goingOn, textIn } from '../../access/steps.ts'
import type { Reader } from '../collect/reader.ts'
import { changing } from './account.ts'
import { databaseGone, databaseHindrance, databaseOf, lastOf, type Rds, rdsIn, statusOf, waiting } from './database.ts'
import { notesOf, tagged, tagsIn } from './hindrance.ts'

/** The action `resize-database`: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.DBInstance.Modifying.html */
export function resizeDatabase(account: Reader): CloudAction {
  const readState: CloudAction['readState'] = async ({ id, region }) => {
    const database = await databaseOf(await rdsIn(account, region), id)
    if (!database) return undefined
    return { DBInstanceStatus: statusOf(database), DBInstanceClass: database.DBInstanceClass ?? '' }
  }
  return {
    readState,
    tags: async (target) => tagsIn(tagged(await databaseOf(await rdsIn(account, target.region), target.id))),
    plan: async ({ target, parameters }) =>
      await planOf(await rdsIn(account, target.region), target.id, textIn(parameters, 'type')),
    act: async (order) =>
      await stepTo(await rdsIn(account, order.target.region), order, textIn(order.after, 'DBInstanceClass')),
    verify: async ({ target, after }) => differences(await readState(target), after),
    undo: async (order) =>
      await stepTo(await rdsIn(account, order.target.region), order, textIn(order.before, 'DBInstanceClass')),
  }
}

async function stepTo(rds: Rds, order: ActionOrder, wanted: string): Promise<ActionStep> {
  const { target, memory } = order
  const { sdk, client } = rds
  const database = await databaseOf(rds, target.id)
  if (!database) return databaseGone(order)
  if (database.PendingModifiedValues?.DBInstanceClass !== undefined)
    return goingOn(memory, 60, 'The database is about to change its class.')
  if (database.DBInstanceClass === wanted && statusOf(database) === 'available') return done(memory)
  if (database.DBInstanceStatus !== 'available') return waiting(database, memory)
  const given = { DBInstanceIdentifier: lastOf(target.id), DBInstanceClass: wanted, ApplyImmediately: true }
  return await changing(memory, async () => {
    await client.send(new sdk.ModifyDBInstanceCommand(given))
    return goingOn(memory, 60, `The database takes the class ${wanted}.`)
  })
}

async function planOf(rds: Rds, id: string, type: string): Promise<ActionPlan> {
  const database = await databaseOf(rds, id)
  if (!database) return { refusal: 'The database does not exist any more.' }
  if (database.DBInstanceClass === type) return 'done already'
  const refusal = databaseHindrance(database) ?? unchangeable(database, type) ?? (await misfitOf(rds, database, type))
  if (refusal !== undefined) return { refusal }
  const { ReadReplicaSourceDBInstanceIdentifier: source, TagList } = database
  const notes = [
    database.MultiAZ
      ? 'The database fails over to its other zone, and is away for about a minute.'
      : 'The database restarts, and is away for some minutes.',
    ...(source === undefined ? [] : [`It is a read replica of ${source}, and must keep up with its changes.`]),
    ...notesOf({ Tags: TagList }),
  ]
  const after = { DBInstanceStatus: 'available', DBInstanceClass: type }
  return { after, undo: 'full', lost: [], losesData: null, notes }
}

function unchangeable(database: DBInstance, type: string): string | undefined {
  const { DBClusterIdentifier: cluster, DBInstanceClass = '', Engine = '', PendingModifiedValues = {} } = database
  if (statusOf(database) === 'stopped') return 'It is stopped, and AWS changes no stopped database. Start it first.'
  if (cluster !== undefined && !Engine.startsWith('aurora'))
    return `It belongs to the cluster ${cluster}, whose databases have one class. Change the class of the cluster.`
  if ([DBInstanceClass, type].includes('db.serverless'))
    return 'The class db.serverless is set with the capacity of its cluster. Change it there.'
  if (Engine.startsWith('custom-')) return 'It is of RDS Custom, whose software you manage. Change it yourself.'
  if (database.ProcessorFeatures?.length)
    return 'Its cores and threads are set by hand, and do not fit another class. Remove these settings first.'
  const pending = Object.entries(PendingModifiedValues).flatMap(([name, value]) => (value === undefined ? [] : name))
  return pending.length === 0
    ? undefined
    : `Other changes wait for its maintenance (${pending.join(', ')}), and would be made at once. Make them first.`
}

/** Why AWS does not offer the class for such a database. */
async function misfitOf({ sdk, client, region }: Rds, database: DBInstance, type: string): Promise<string | undefined> {
  const { Engine, EngineVersion, AvailabilityZone: zone, StorageType } = database
  const asked = { Engine, EngineVersion, DBInstanceClass: type }
  const pages = await Array.fromAsync(sdk.paginateDescribeOrderableDBInstanceOptions({ client }, asked))
  const offered = pages.flatMap(({ OrderableDBInstanceOptions = [] }) => OrderableDBInstanceOptions)
  const choose = 'Choose another class.'
  if (offered.length === 0) return `AWS does not offer ${type} for ${Engine} ${EngineVersion} in ${region}. ${choose}`
  const isIn = ({ AvailabilityZones = [] }: OrderableDBInstanceOption) =>
    zone === undefined || AvailabilityZones.some(({ Name }) => Name === zone)
  const near = offered.filter(isIn)
  if (near.length === 0) return `AWS does not offer ${type} in ${zone}, where the database is. ${choose}`
  const isAlike = ({ LicenseModel, StorageType: storage }: OrderableDBInstanceOption) =>
    storage === StorageType && (LicenseModel === undefined || LicenseModel === database.LicenseModel)
  const alike = near.filter(isAlike)
  if (alike.length === 0) return `${type} does not go with the storage ${StorageType} or the license. ${choose}`
  const lacks = (has: boolean | undefined, support: keyof OrderableDBInstanceOption) =>
    has === true && alike.every((option) => option[support] === false)
  if (lacks(database.MultiAZ, 'MultiAZCapable')) return `${type} does not run in two zones (Multi-AZ). ${choose}`
  if (lacks(database.StorageEncrypted, 'SupportsStorageEncryption'))
    return `${type} does not support encrypted storage. ${choose}`
  if (lacks(database.PerformanceInsightsEnabled, 'SupportsPerformanceInsights'))
    return `${type} does not support Performance Insights, which the database uses. ${choose}`
  return undefined
}
