import { commitmentRules } from './catalog/commitments.ts'
import { idleRules } from './catalog/idle.ts'
import { networkRules } from './catalog/network.ts'
import { rightSizingRules } from './catalog/right-sizing.ts'
import { snapshotRules } from './catalog/snapshots.ts'
import { storageRules } from './catalog/storage.ts'
import { tagRules } from './catalog/tags.ts'
import { judge, type Settings } from './engine.ts'
import type { AnalyzerName, Finding, Rule } from './rule.ts'
import type { Subject } from './subject.ts'

export const allRules: readonly Rule[] = [
  ...rightSizingRules,
  ...idleRules,
  ...storageRules,
  ...snapshotRules,
  ...commitmentRules,
  ...networkRules,
  ...tagRules,
]

/** The findings of one analyzer. */
export function analyze(name: AnalyzerName, subjects: readonly Subject[], settings: Settings): Finding[] {
  return judge(
    allRules.filter(({ analyzer }) => analyzer === name),
    subjects,
    settings,
  )
}
