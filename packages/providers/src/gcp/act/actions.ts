import type { CloudAction } from '@cloudoptima/core'
import type { AccessOptions } from '../../access/options.ts'
import { setTags } from '../../access/set-tags.ts'
import type { CloudActions } from '../../access/verdict.ts'
import { type Caller, callerOf } from '../collect/calls.ts'
import { actScopes } from '../sign-in.ts'
import { releaseAddress } from './address.ts'
import { resizeDatabase, startDatabase, stopDatabase } from './database.ts'
import { deleteSnapshot, deregisterImage } from './deletion.ts'
import { resizeInstance, startInstance, stopInstance } from './instance.ts'
import { gcpActor } from './tags.ts'
import { deleteVolume } from './volume.ts'

const byCalls = {
  'stop-instance': stopInstance,
  'start-instance': startInstance,
  'resize-instance': resizeInstance,
  'delete-volume': deleteVolume,
  'delete-snapshot': deleteSnapshot,
  'deregister-image': deregisterImage,
  'release-address': releaseAddress,
  'stop-database': stopDatabase,
  'start-database': startDatabase,
  'resize-database': resizeDatabase,
} satisfies Record<string, (caller: Caller) => CloudAction>

/** What Google Cloud has of the table of actions. */
export function gcpActions(options: AccessOptions): CloudActions<'gcp'> {
  const signedIn = Object.entries(byCalls).map(([name, create]) => [
    name,
    async (access: Parameters<typeof callerOf>[1]) => create(await callerOf(options, access, actScopes)),
  ])
  return { 'set-tags': (access) => setTags('gcp', access, gcpActor(options)), ...Object.fromEntries(signedIn) }
}
