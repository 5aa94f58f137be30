import type { CloudAction } from '@cloudoptima/core'
import type { AccessOptions } from '../../access/options.ts'
import { setTags } from '../../access/set-tags.ts'
import type { AccessTo, CloudActions } from '../../access/verdict.ts'
import type { Reader } from '../collect/reader.ts'
import { actingIn } from './account.ts'
import { byKind } from './by-kind.ts'
import { deleteDatabaseSnapshot } from './delete-database-snapshot.ts'
import { deleteLoadBalancer } from './delete-load-balancer.ts'
import { deleteNatGateway } from './delete-nat-gateway.ts'
import { resizeDatabase } from './resize-database.ts'
import { changeVolume } from './change-volume.ts'
import { deleteSnapshot } from './delete-snapshot.ts'
import { deleteVolume } from './delete-volume.ts'
import { deregisterImage } from './deregister-image.ts'
import { releaseAddress } from './release-address.ts'
import { resizeInstance } from './resize-instance.ts'
import { scaleGroup } from './scale-group.ts'
import { setBucketLifecycle } from './set-bucket-lifecycle.ts'
import { setFunctionMemory } from './set-function-memory.ts'
import { setLogRetention } from './set-log-retention.ts'
import { switchDatabase } from './switch-database.ts'
import { switchInstance } from './switch-instance.ts'
import { awsActor } from './tags.ts'

/** What AWS has of the table of actions. */
export function awsActions(options: AccessOptions): CloudActions<'aws'> {
  const open = actingIn(options)
  const of = (action: (account: Reader) => CloudAction) => async (access: AccessTo<'aws'>) => action(await open(access))
  return {
    'stop-instance': of((account) => switchInstance(account, 'stopped')),
    'start-instance': of((account) => switchInstance(account, 'running')),
    'resize-instance': of(resizeInstance),
    'stop-database': of((account) => switchDatabase(account, 'stopped')),
    'start-database': of((account) => switchDatabase(account, 'available')),
    'resize-database': of(resizeDatabase),
    'delete-load-balancer': of(deleteLoadBalancer),
    'delete-nat-gateway': of(deleteNatGateway),
    'scale-group': of(scaleGroup),
    'set-bucket-lifecycle': of(setBucketLifecycle),
    'set-log-retention': of(setLogRetention),
    'set-function-memory': of(setFunctionMemory),
    'delete-volume': of(deleteVolume),
    'change-volume': of(changeVolume),
    'delete-snapshot': of((account) =>
      byKind((kind) => (kind === 'database_snapshot' ? deleteDatabaseSnapshot(account) : deleteSnapshot(account))),
    ),
    'deregister-image': of(deregisterImage),
    'release-address': of(releaseAddress),
    'set-tags': (access) => setTags('aws', access, awsActor(options)),
  }
}
