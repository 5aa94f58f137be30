import type { Subject } from '../subject.ts'

/** For each rule: the subjects that it finds, that it leaves alone, and of which it knows too little. */
export interface Fixture {
  rule: string
  finds: readonly Subject[]
  leaves: readonly Subject[]
  lacks: readonly Subject[]
  /** Subjects that the others refer to. */
  beside?: readonly Subject[]
}
