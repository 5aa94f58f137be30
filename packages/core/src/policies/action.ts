import * as z from 'zod'
import { actions } from '../actions/actions.ts'
import { type ActionName, actionNames } from '../kernel/action.ts'
import type { ActionParameters } from '../effects/acting.ts'

/** Specification 3.2. */
export const Written = z.strictObject({
  type: z
    .string()
    .max(64)
    .describe(`One of ${actionNames.join(', ')}.`),
  config: z.record(z.string(), z.unknown()).default({}).describe('The parameters of the action.'),
})

/** Valid by the table of actions. */
export interface PolicyAction {
  name: ActionName
  parameters: ActionParameters
}

const isName = (type: string): type is ActionName => actionNames.some((name) => name === type)

/** A policy has one action, so that an execution can be approved and taken back as a whole. */
export const OneAction = z
  .array(Written)
  .length(1, 'must be one action')
  .transform((written, context): PolicyAction => {
    const [{ type, config } = { type: '', config: {} }] = written
    if (!isName(type)) {
      context.addIssue({ code: 'custom', path: [0, 'type'], message: `must be one of ${actionNames.join(', ')}` })
      return z.NEVER
    }
    const schema = actions[type].parameters
    const read = schema.safeParse(config)
    if (read.success) return { name: type, parameters: read.data as ActionParameters }
    const known = Object.keys(schema.shape).join(', ') || 'no parameters'
    for (const { path, message } of read.error.issues)
      context.addIssue({ code: 'custom', path: [0, 'config', ...path], message: `${message} (${type} has: ${known})` })
    return z.NEVER
  })

export const writtenOf = ({ name, parameters }: PolicyAction): z.output<typeof Written> => ({
  type: name,
  config: { ...parameters },
})
