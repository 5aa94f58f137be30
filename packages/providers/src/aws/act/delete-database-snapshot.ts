import type { DBSnapshot } from '@aws-sdk/client-rds'
import type { ActionPlan, CloudAction } from '@cloudoptima/core'
import { differences, done, goingOn, refused } from '../../access/steps.ts'
import type { Reader } from '../collect/reader.ts'
import { changing, found } from './account.ts'
import { lastOf, type Rds, rdsIn } from './database.ts'
import { hindranceOf, notesOf, tagged, tagsIn } from './hindrance.ts'

/** The action `delete-snapshot` on a snapshot of RDS, which no recycle bin keeps. */
export function deleteDatabaseSnapshot(account: Reader): CloudAction {
  const readState: CloudAction['readState'] = async ({ id, region }) => {
    const snapshot = await snapshotOf(await rdsIn(account, region), id)
    if (!snapshot) return undefined
    const { Status = '', SnapshotType = '', AllocatedStorage = 0 } = snapshot
    return { Status, SnapshotType, AllocatedStorage }
  }
  return {
    readState,
    tags: async (target) => tagsIn(tagged(await snapshotOf(await rdsIn(account, target.region), target.id))),
    async plan({ target }) {
      const snapshot = await snapshotOf(await rdsIn(account, target.region), target.id)
      return snapshot ? planOf(snapshot) : 'done already'
    },
    async act({ target, memory }) {
      const rds = await rdsIn(account, target.region)
      const snapshot = await snapshotOf(rds, target.id)
      if (!snapshot) return done(memory)
      const { DBSnapshotIdentifier, Status } = snapshot
      if (Status !== 'available') return goingOn(memory, 30, `The snapshot is ${Status}.`)
      return await changing(memory, async () => {
        await rds.client.send(new rds.sdk.DeleteDBSnapshotCommand({ DBSnapshotIdentifier }))
        return goingOn(memory, 5, 'The snapshot is deleted.')
      })
    },
    verify: async ({ target }) => differences(await readState(target), null),
    undo: async ({ target, memory }) =>
      (await readState(target)) ? done(memory) : refused(memory, 'The snapshot is deleted, and AWS has no copy of it.'),
  }
}

async function snapshotOf({ sdk, client }: Rds, id: string): Promise<DBSnapshot | undefined> {
  const asked = { DBSnapshotIdentifier: lastOf(id) }
  const answer = await found(async () => await client.send(new sdk.DescribeDBSnapshotsCommand(asked)))
  return answer?.DBSnapshots?.[0]
}

function planOf({ SnapshotType, Status, TagList }: DBSnapshot): ActionPlan {
  const hindrance = hindranceOf({ Tags: TagList })
  if (hindrance !== undefined) return { refusal: hindrance }
  if (SnapshotType === 'awsbackup')
    return { refusal: 'It belongs to AWS Backup. Delete its recovery point in AWS Backup instead.' }
  if (SnapshotType !== 'manual')
    return {
      refusal: 'AWS makes and deletes it by the backup retention of the database. Change this retention instead.',
    }
  if (Status !== 'available') return { refusal: `It is ${Status}. Try again when it is available.` }
  const losesData = 'The data of the snapshot is lost.'
  return { after: null, undo: 'none', lost: ['the data of the snapshot'], losesData, notes: notesOf({ Tags: TagList }) }
}
