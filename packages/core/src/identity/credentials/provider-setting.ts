import * as z from 'zod'
import type * as Audit from '../../guard/audit.ts'
import { change, command } from '../../guard/command.ts'
import type { Context } from '../../effects/context.ts'
import { Fault, isFault } from '../../kernel/fault.ts'
import * as Organization from '../../organization/organization.ts'
import * as User from '../people/user.ts'

type Field = 'signIn' | 'tokenIssuer'
type Setting<Name extends Field> = NonNullable<Organization.Info[Name]>

interface Description<Name extends Field, Shown> {
  noun: string
  resourceType: string
  missing: string
  toPublic: (setting: Setting<Name>) => Shown
}

/** Throws Fault `invalid` with the reason. */
export async function requireUsable(check: Promise<void>): Promise<void> {
  try {
    await check
  } catch (error) {
    if (!isFault(error, 'invalid') && !isFault(error, 'unavailable')) throw error
    const message = `${error.message} The issuer was not saved.`
    throw new Fault('invalid', message, [{ path: 'issuer', message: 'cannot be used' }])
  }
}

export function providerSetting<Name extends Field, Shown extends Record<string, unknown>>(
  name: Name,
  { noun, resourceType, missing, toPublic }: Description<Name, Shown>,
) {
  const requireSet = (setting: Organization.Info[Name]): Setting<Name> => {
    if (!setting) throw new Fault('not_found', missing)
    return setting
  }
  const shownOf = (organization: Organization.Info): Shown | undefined => {
    const setting: Organization.Info[Name] = organization[name]
    return setting && toPublic(setting)
  }
  const get = command(`${noun}.get`, z.strictObject({}), 'write:identity', async (ctx) =>
    toPublic(requireSet((await Organization.load(ctx))[name])),
  )
  const put = <Schema extends z.ZodType>(
    schema: Schema,
    prepare: (ctx: Context, input: z.output<Schema>) => Promise<(old: Organization.Info[Name]) => Setting<Name>>,
  ) =>
    change(`${noun}.put`, schema, 'write:identity', async (ctx, input, note) => {
      await User.requireVerifiedEmail(ctx)
      const next = await prepare(ctx, input)
      const { before, after } = await Organization.edit(ctx, (found) => ({ [name]: next(found[name]) }))
      noteOf(ctx, note, shownOf(before), shownOf(after))
      return toPublic(requireSet(after[name]))
    })
  const remove = change(`${noun}.delete`, z.strictObject({}), 'write:identity', async (ctx, _, note) => {
    const { before } = await Organization.edit(ctx, (found) => {
      requireSet(found[name])
      return { [name]: undefined }
    })
    noteOf(ctx, note, shownOf(before))
    return { success: true }
  })
  const noteOf = (ctx: Context, note: Audit.Note, before?: Shown, after?: Shown) =>
    note({ resourceType, resourceId: ctx.orgId, before, after })
  return { get, put, remove }
}
