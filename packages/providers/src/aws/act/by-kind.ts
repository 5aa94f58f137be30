import type { CloudAction, ResourceKind } from '@cloudoptima/core'

/** An action that another service carries out for another kind of resource. */
export function byKind(actionOf: (kind: ResourceKind) => CloudAction): CloudAction {
  return {
    readState: async (target) => await actionOf(target.kind).readState(target),
    tags: async (target) => await actionOf(target.kind).tags?.(target),
    plan: async (question) => await actionOf(question.target.kind).plan(question),
    act: async (order) => await actionOf(order.target.kind).act(order),
    verify: async (order) => await actionOf(order.target.kind).verify(order),
    undo: async (order) => await actionOf(order.target.kind).undo(order),
    restored: (order) => actionOf(order.target.kind).restored?.(order) ?? order.target,
  }
}
