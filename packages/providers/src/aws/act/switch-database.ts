import type { DBInstance } from '@aws-sdk/client-rds'
import type { ActionOrder, ActionState, ActionStep, CloudAction } from '@cloudoptima/core'
import { differences, done, goingOn, refused, textIn } from '../../access/steps.ts'
import type { Reader } from '../collect/reader.ts'
import { changing } from './account.ts'
import { databaseGone, databaseHindrance, databaseOf, lastOf, type Rds, rdsIn, statusOf, waiting } from './database.ts'
import { notesOf, tagged, tagsIn } from './hindrance.ts'

type Status = 'available' | 'stopped'

/** The actions `stop-database` and `start-database`. */
export function switchDatabase(account: Reader, wanted: Status): CloudAction {
  const readState: CloudAction['readState'] = async ({ id, region }) => {
    const database = await databaseOf(await rdsIn(account, region), id)
    return database && { DBInstanceStatus: statusOf(database) }
  }
  const become = async (order: ActionOrder, state: ActionState | null, insists: boolean): Promise<ActionStep> => {
    const status = textIn(state, 'DBInstanceStatus') === 'stopped' ? 'stopped' : 'available'
    return await stepTo(await rdsIn(account, order.target.region), order, status, insists)
  }
  return {
    readState,
    tags: async (target) => tagsIn(tagged(await databaseOf(await rdsIn(account, target.region), target.id))),
    async plan({ target }) {
      const database = await databaseOf(await rdsIn(account, target.region), target.id)
      if (!database) return { refusal: 'The database does not exist any more.' }
      const refusal = databaseHindrance(database)
      if (refusal !== undefined) return { refusal }
      if (statusOf(database) === wanted) return 'done already'
      const obstacle = wanted === 'stopped' ? unstoppable(database) : undefined
      if (obstacle !== undefined) return { refusal: obstacle }
      const notes = wanted === 'stopped' ? ['AWS starts the database again after seven days.'] : []
      return {
        after: { DBInstanceStatus: wanted },
        undo: 'full',
        lost: [],
        losesData: null,
        notes: [...notes, ...notesOf({ Tags: database.TagList })],
      }
    },
    act: async (order) => await become(order, order.after, false),
    verify: async ({ target, after }) => differences(await readState(target), after),
    undo: async (order) => await become(order, order.before, true),
  }
}

/** https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html#USER_StopInstance.Limitations */
function unstoppable(database: DBInstance): string | undefined {
  const { DBClusterIdentifier, Engine = '', MultiAZ } = database
  const { ReadReplicaSourceDBInstanceIdentifier: source, ReadReplicaSourceDBClusterIdentifier: sourceCluster } =
    database
  const { ReadReplicaDBInstanceIdentifiers: replicas = [], ReadReplicaDBClusterIdentifiers: clusters = [] } = database
  if (DBClusterIdentifier !== undefined)
    return `It belongs to the cluster ${DBClusterIdentifier}, which stops as a whole only. Stop the cluster instead.`
  if (source !== undefined || sourceCluster !== undefined)
    return `It is a read replica of ${source ?? sourceCluster}, and AWS stops no replicas. Delete it if nobody needs it.`
  const [replica] = [...replicas, ...clusters]
  if (replica !== undefined)
    return `It has the read replica ${replica}, and AWS does not stop such a database. Delete its replicas first.`
  if (Engine.startsWith('sqlserver') && MultiAZ)
    return 'AWS does not stop a SQL Server in two zones (Multi-AZ). Change it to one zone first.'
  return undefined
}

/** `insists`: it waits for capacity. */
async function stepTo(rds: Rds, order: ActionOrder, wanted: Status, insists: boolean): Promise<ActionStep> {
  const { target, memory } = order
  const { sdk, client } = rds
  const database = await databaseOf(rds, target.id)
  if (!database) return databaseGone(order)
  if (statusOf(database) === wanted) return done(memory)
  const asked = { DBInstanceIdentifier: lastOf(target.id) }
  if (database.DBInstanceStatus === 'available')
    return await changing(memory, async () => {
      await client.send(new sdk.StopDBInstanceCommand(asked))
      return goingOn(memory, 60, 'The database stops.')
    })
  if (database.DBInstanceStatus !== 'stopped') return waiting(database, memory)
  return await changing(
    memory,
    async () => {
      await client.send(new sdk.StartDBInstanceCommand(asked))
      return goingOn(memory, 60, 'The database starts.')
    },
    ({ awsCode }) => {
      if (!awsCode.startsWith('InsufficientDBInstanceCapacity')) return undefined
      const why = 'AWS has no capacity for this class in this zone at the moment.'
      return insists ? goingOn(memory, 300, why) : refused(memory, `${why} Try again later.`)
    },
  )
}
