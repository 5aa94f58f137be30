import { commitmentRules } from './catalog/commitments.ts'
import { diskRules } from './catalog/disks.ts'
import { generationRules } from './catalog/generations.ts'
import { idleRules } from './catalog/idle.ts'
import { networkRules } from './catalog/network.ts'
import { retentionRules } from './catalog/retention.ts'
import { rightSizingRules } from './catalog/right-sizing.ts'
import { snapshotRules } from './catalog/snapshots.ts'
import { tagRules } from './catalog/tags.ts'
import { unusedRules } from './catalog/unused.ts'
import { volumeTypeRules } from './catalog/volume-types.ts'
import type { Rule } from './rule.ts'

export const allRules: readonly Rule[] = [
  ...rightSizingRules,
  ...generationRules,
  ...idleRules,
  ...unusedRules,
  ...diskRules,
  ...volumeTypeRules,
  ...snapshotRules,
  ...retentionRules,
  ...commitmentRules,
  ...networkRules,
  ...tagRules,
]
