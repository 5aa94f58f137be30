import { commitmentFixtures } from './commitment-fixtures.ts'
import type { Fixture } from './fixture.ts'
import { idleFixtures } from './idle-fixtures.ts'
import { networkFixtures } from './network-fixtures.ts'
import { sizingFixtures } from './sizing-fixtures.ts'
import { snapshotFixtures } from './snapshot-fixtures.ts'
import { storageFixtures } from './storage-fixtures.ts'

export const fixtures: readonly Fixture[] = [
  ...sizingFixtures,
  ...idleFixtures,
  ...storageFixtures,
  ...snapshotFixtures,
  ...commitmentFixtures,
  ...networkFixtures,
]
