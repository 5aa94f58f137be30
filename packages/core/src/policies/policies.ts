import * as z from 'zod'
import { Page, paged } from '../effects/paged.ts'
import { event } from '../effects/relay.ts'
import { change, command } from '../guard/command.ts'
import { Fault } from '../kernel/fault.ts'
import { byId } from '../kernel/name.ts'
import { changed, Changes, load, Public, publicOf, Settings, store } from './policy.ts'

export { Public } from './policy.ts'
export { execute, Executed, executions } from './run.ts'
export { preview, Preview } from './preview.ts'
export { createFrom, CreatedFrom, templates, Templates } from './templates.ts'

/** The oldest first. */
export const list = command('policies.list', Page, 'read:policies', async (ctx, page) => {
  const { items, pagination } = await paged(ctx.tables.policies, ctx.orgId, page)
  return { policies: await Promise.all(items.map((policy) => publicOf(ctx, policy))), pagination }
})

const ById = byId("The policy's id.")

export const get = command('policies.get', ById, 'read:policies', async (ctx, { id }): Promise<Public> =>
  publicOf(ctx, await load(ctx, id)),
)

export const Created = z.object({ policyId: z.string(), policy: Public })

export const create = change(
  'policies.create',
  Settings,
  'write:policies',
  async (ctx, input, note): Promise<z.infer<typeof Created>> => {
    const policy = await store(ctx, ctx.newId('pol'), input)
    note({ resourceType: 'policy', resourceId: policy.id, after: { ...policy } })
    return { policyId: policy.id, policy: await publicOf(ctx, policy) }
  },
)

const Changing = z.strictObject({
  ...ById.shape,
  ...Changes.shape,
  version: z.int().optional().describe('The version that is changed. Another one is a conflict.'),
})

/** What is not given stays. */
export const update = change(
  'policies.update',
  Changing,
  'write:policies',
  async (ctx, input, note): Promise<Public> => {
    const { id, version, ...given } = input
    await load(ctx, id)
    const { before, after } = await ctx.tables.policies.update(
      ctx.orgId,
      id,
      (found) => {
        if (version === undefined || version === found.version) return changed(found, given, ctx.actor.id, ctx.now())
        throw new Fault('conflict', `The policy was changed meanwhile: its version is ${found.version}. Read it again.`)
      },
      [event(ctx, 'policy.changed', { policyId: id })],
    )
    note({ resourceType: 'policy', resourceId: id, before: { ...before }, after: { ...after } })
    return await publicOf(ctx, after)
  },
)

/** Its executions stay, and go on. */
export const remove = change('policies.remove', ById, 'write:policies', async (ctx, { id }, note) => {
  const found = await load(ctx, id)
  note({ resourceType: 'policy', resourceId: id, before: { ...found } })
  await ctx.tables.policies.remove(ctx.orgId, id, [event(ctx, 'policy.changed', { policyId: id })])
  return { success: true }
})
