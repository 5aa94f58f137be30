export { commit, type Delivery, committedVersion, writeHistory } from './commit.ts'
export { type Candidate, keyOf, type Origin, ownerOf } from './datasets.ts'
export { applyMoves, advanceHead, type Head, type HeadUpdate, head, type NextVersion } from './head.ts'
export {
  allFiles,
  type Committed,
  emptied,
  historyId,
  type Info,
  isVisible,
  pointersOf,
  previousOf,
  historyRow,
  versionsOf,
} from './version.ts'
export { currentView, filesOf, pointers, type View, view } from './view.ts'
