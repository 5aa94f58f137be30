import { idleRules } from './catalog/idle.ts'
import { storageRules } from './catalog/storage.ts'
import { judge, type Settings } from './engine.ts'
import type { AnalyzerName, Finding, Rule } from './rule.ts'
import type { Subject } from './subject.ts'

export const allRules: readonly Rule[] = [...idleRules, ...storageRules]

/** The findings of one analyzer. */
export function analyze(name: AnalyzerName, subjects: readonly Subject[], settings: Settings): Finding[] {
  return judge(
    allRules.filter(({ analyzer }) => analyzer === name),
    subjects,
    settings,
  )
}
