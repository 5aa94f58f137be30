import type { Fixture } from './fixture.ts'
import { idleFixtures } from './idle-fixtures.ts'
import { storageFixtures } from './storage-fixtures.ts'

/** In the order of the rules. */
export const fixtures: readonly Fixture[] = [...idleFixtures, ...storageFixtures]
