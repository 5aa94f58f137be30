import * as z from 'zod'
import { Filter } from '../costs/ask.ts'
import type { Context } from '../effects/context.ts'
import { dimensions } from '../effects/queries.ts'

const Key = z.string().min(1).max(512)

const isDistinct = (keys: readonly string[]): boolean =>
  new Set(keys.map((key) => key.toLowerCase())).size === keys.length

const Required = z.strictObject({
  key: Key,
  allowedValues: z
    .array(z.string().min(1).max(256))
    .min(1)
    .max(200)
    .optional()
    .describe('Other values are violations. By default every value is allowed.'),
})

const Virtual = z
  .strictObject({
    key: Key,
    value: z.string().min(1).max(256),
    when: z
      .array(Filter)
      .max(20)
      .describe(
        `Conditions on ${dimensions.join(', ')}, which must all hold; none: every cost. Tags are those of the bill, ` +
          'not virtual ones.',
      ),
    overwrite: z
      .boolean()
      .default(false)
      .describe('Also costs that have the tag on the bill. By default their own value stays.'),
  })
  .describe('The first rule of a key that holds gives the value.')

/** An organization is one item of a table. */
const mostCharacters = 100_000

export const Settings = z
  .strictObject({
    required: z
      .array(Required)
      .max(20)
      .refine((all) => isDistinct(all.map(({ key }) => key)), 'must not name a key twice; case does not matter')
      .describe('Tags that every resource should have.'),
    virtual: z
      .array(Virtual)
      .max(100)
      .describe('Rules, in order, that give costs a tag when they are asked for. Bills and clouds stay as they are.'),
  })
  .refine(
    (settings) => JSON.stringify(settings).length <= mostCharacters,
    `must have at most ${mostCharacters} characters in all`,
  )
export type Settings = z.output<typeof Settings>

export const defaults: Settings = { required: [], virtual: [] }

/** Of the organization; the defaults before it is founded. */
export async function settingsOf({ orgId, tables }: Context): Promise<Settings> {
  return (await tables.organizations.get(orgId, orgId))?.tags ?? defaults
}

/** The tags that the organization requires. */
export async function requiredTags(ctx: Context): Promise<Settings['required']> {
  return (await settingsOf(ctx)).required
}

/** For questions that no request brings: a request has the rules already. */
export async function withVirtualTags(ctx: Context): Promise<Context> {
  return { ...ctx, virtualTags: (await settingsOf(ctx)).virtual }
}
