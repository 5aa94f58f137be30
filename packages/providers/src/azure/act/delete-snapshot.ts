import { type Disk, snapshotAt, snapshotType } from './disk.ts'
import { isBusy, isProtected, protectedBy } from './machine.ts'
import type { Recipe } from './step.ts'

type State = { uniqueId: string; diskState: string; sourceResourceId: string | null; protected: boolean }

function stateOf(snapshot: Disk): State {
  const { uniqueId = '', diskState = '', creationData } = snapshot.properties
  const sourceResourceId = creationData?.sourceResourceId ?? null
  return { uniqueId, diskState, sourceResourceId, protected: isProtected(snapshot) }
}

/** https://learn.microsoft.com/rest/api/compute/snapshots/delete */
export const deleteSnapshot: Recipe<State> = {
  type: snapshotType,
  async read(arm, { id }) {
    const snapshot = await snapshotAt(arm, id)
    return snapshot && stateOf(snapshot)
  },
  plan(_, { before }) {
    if (before.protected) return { refusal: protectedBy }
    if (before.diskState.startsWith('Active'))
      return { refusal: 'The snapshot is being exported. Revoke its access first.' }
    return {
      after: null,
      undo: 'none',
      lost: ['the snapshot'],
      losesData: 'The data of the snapshot is lost.',
      notes: ['Later incremental snapshots stay complete.'],
    }
  },
  async act(arm, { target, before }) {
    const snapshot = await snapshotAt(arm, target.id)
    if (!snapshot) return { done: {} }
    if (snapshot.properties.uniqueId !== before.uniqueId)
      return { refuse: 'Another snapshot has taken the name of the snapshot. Plan the action again.' }
    if (isBusy(snapshot)) return { wait: 'Azure is changing the snapshot.' }
    const change = { api: `${snapshotType}/delete`, method: 'DELETE', type: snapshotType, path: target.id } as const
    return { change, says: 'Azure is asked to delete the snapshot.' }
  },
  async undo(arm, { target }) {
    if (await snapshotAt(arm, target.id)) return { done: {} }
    return { refuse: 'The snapshot is deleted. It cannot be restored.' }
  },
}
