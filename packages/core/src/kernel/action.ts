/** What the product can do to a resource: one name for the same act on all clouds. */
export const actionNames = [
  'stop-instance',
  'start-instance',
  'resize-instance',
  'delete-volume',
  'change-volume',
  'delete-snapshot',
  'deregister-image',
  'release-address',
  'delete-load-balancer',
  'delete-nat-gateway',
  'stop-database',
  'start-database',
  'resize-database',
  'set-bucket-lifecycle',
  'set-log-retention',
  'set-function-memory',
  'scale-group',
  'scale-plan',
  'enable-hybrid-benefit',
  'set-tags',
] as const
export type ActionName = (typeof actionNames)[number]

/** `none`: the resource, or a part of it, is lost for ever. `partial`: `lost` of the plan names what does not come back. */
export const undoKinds = ['full', 'partial', 'none'] as const
export type UndoKind = (typeof undoKinds)[number]
