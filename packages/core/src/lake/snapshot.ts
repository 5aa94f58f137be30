export { type Candidate, commit, type Delivery, landed, writeHistory } from './commit.ts'
export { applyMoves, changeHead, type Head, type HeadChange, head, type NextVersion } from './head.ts'
export { historyId, type Info, isVisible, noCosts, type Pointer, previousOf, written } from './version.ts'
export { filesOf, pointers, type View, view } from './view.ts'
