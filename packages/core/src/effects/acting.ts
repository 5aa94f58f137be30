import type { UndoKind } from '../kernel/action.ts'
import type { Resource } from '../kernel/resource.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [field: string]: Json }

/**
 * The fields of a resource that the action reads, changes or restores, by the cloud's own names. No volatile field (time
 * of the last start, public address by chance), because a change of any field between plan and act drops the target.
 */
export type ActionState = Readonly<Record<string, Json>>

/** What a cloud needs to find a resource. */
export type ActionTarget = Pick<Resource, 'id' | 'aliases' | 'kind' | 'name' | 'region' | 'zone'>

export type ActionParameters = Readonly<Record<string, Json>>

/**
 * What an action has made so far, such as the id of a restored volume. `kept`, a list of texts, has the names in bills
 * of the things that it made and keeps: their cost lessens the saving.
 */
export type ActionMemory = Readonly<Record<string, Json>>

export interface ActionQuestion {
  target: ActionTarget
  /** Valid by the table of actions. */
  parameters: ActionParameters
  before: ActionState
}

export type ActionPlan =
  | {
      /** Null: the resource is gone. */
      after: ActionState | null
      undo: UndoKind
      /** What an undo does not bring back, each as a noun: `the id of the volume`. */
      lost: readonly string[]
      /**
       * The data that no undo brings back, in a sentence; null: none. What the cloud does not tell counts as data. An
       * approver has to type the name of the resource.
       */
      losesData: string | null
      /** What the approver should know: `The instance is stopped for some minutes.` */
      notes: readonly string[]
    }
  /** Why it cannot be done, and what to do. */
  | { refusal: string }
  /** The resource is as it would be afterwards. */
  | 'done already'

export interface ActionOrder extends ActionQuestion {
  after: ActionState | null
  /**
   * 32 letters and digits, unique for execution and target, the same for each repetition: the client token or the tag
   * (`cloudoptima:order`) by which a step finds what an earlier one has made.
   */
  token: string
  /** As the last stored step left it: a step that was killed is not in it. */
  memory: ActionMemory
}

export type ActionStep =
  | { state: 'done'; memory: ActionMemory }
  /** Call again: at once after 0 seconds. `says` is a line of the log: `The snapshot snap-1 is at 40 %.` */
  | { state: 'going on'; memory: ActionMemory; waitSeconds: number; says: string }
  /** The cloud refused it for good. The message says why and what to do. */
  | { state: 'refused'; memory: ActionMemory; message: string }

/**
 * One action in one account. Each call of `act` and `undo` looks at the cloud first, makes at most one change, and answers
 * at once: it never waits for the cloud. So a repeated call, also after a cloud that acted without an answer, changes
 * nothing twice. Throws Fault `unavailable` or `rate_limited` to be called again, `forbidden` if a permission is missing
 * (named in the message).
 */
export interface CloudAction {
  /** Undefined: there is no such resource. */
  readState(target: ActionTarget): Promise<ActionState | undefined>
  /** The tags of the resource, where its own description has them. Undefined: it has not, or there is no resource. */
  tags?(target: ActionTarget): Promise<Readonly<Record<string, string>> | undefined>
  /** Changes nothing; asks the cloud for a dry run where it has one. */
  plan(question: ActionQuestion): Promise<ActionPlan>
  act(order: ActionOrder): Promise<ActionStep>
  /** How the resource differs from the planned state, in words; empty if it is as planned. */
  verify(order: ActionOrder): Promise<readonly string[]>
  /** Back to `before`, also of an act that ended half-way. */
  undo(order: ActionOrder): Promise<ActionStep>
  /** The target under its new id, after an undo that had to make it again. */
  restored?(order: ActionOrder): ActionTarget
}
