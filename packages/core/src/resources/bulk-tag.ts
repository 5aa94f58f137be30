import * as z from 'zod'
import type { Context } from '../effects/context.ts'
import { change, command } from '../guard/command.ts'
import { Fault } from '../kernel/fault.ts'
import { carriedOut, undone } from './bulk-tag-act.ts'
import { planned } from './bulk-tag-plan.ts'
import { type Entry, type Info, Outcome, Public } from './bulk-tag-record.ts'
import { protectionTags } from './tag-limits.ts'

export { Public } from './bulk-tag-record.ts'

const mostResources = 50
/** The gateway gives up after 29 seconds. */
const timeLimitMs = 24_000
const mostTags = 10

const Input = z.strictObject({
  resourceIds: z.array(z.string().min(1).max(1024)).min(1).max(mostResources).describe('Ids, or other names in bills.'),
  tags: z
    .record(z.string().min(1).max(512), z.string().max(256))
    .refine((tags) => Object.keys(tags).length > 0, 'must have a tag')
    .refine((tags) => Object.keys(tags).length <= mostTags, `must have at most ${mostTags} tags`)
    .refine(
      (tags) => !protectionTags.some((key) => key in tags),
      `must not have ${protectionTags[0]}: set it in the cloud`,
    ),
  overwrite: z.boolean().default(false).describe('Whether tags with another value are changed. By default they stay.'),
  dryRun: z.boolean().default(false).describe('Answers what would be changed, and changes nothing.'),
})

const Failed = z.array(z.object({ resourceId: z.string(), error: z.string() }))

export const Done = z.object({
  success: z.boolean().describe('Whether nothing failed.'),
  id: z.string().nullable().describe('For `GET /v1/resources/bulk-tag/{id}` and its undo; null for a dry run.'),
  dryRun: z.boolean(),
  updatedCount: z.int().describe('Resources that were changed, or would be in a dry run.'),
  failed: Failed,
  resources: z.array(Outcome),
})

export const Undone = z.object({
  success: z.boolean().describe('Whether all tags are as before.'),
  restoredCount: z.int(),
  failed: Failed.describe('Resources with tags that are not as before, and why.'),
  resources: z.array(Outcome),
})

/** A repetition with the same id carries on. */
export const bulkTag = change(
  'resources.bulk-tag',
  Input,
  'write:tags',
  async (ctx, input, note): Promise<z.infer<typeof Done>> => {
    const signal = AbortSignal.timeout(timeLimitMs)
    const id = ctx.newId('tag')
    const known = input.dryRun ? undefined : await ctx.tables.bulkTags.get(ctx.orgId, id)
    const record = known ?? (await planned(ctx, id, input, signal))
    const { dryRun } = input
    if (!dryRun && !known) await ctx.tables.bulkTags.insert(ctx.orgId, record)
    const { resources } = dryRun ? record : await carriedOut(ctx, record, signal)
    const failed = resources.flatMap(({ resourceId, error }) => (error === null ? [] : [{ resourceId, error }]))
    const changed = dryRun ? 'planned' : 'updated'
    const updatedCount = resources.filter(({ state }) => state === changed).length
    const after = { dryRun, tags: input.tags, overwrite: input.overwrite, updated: updatedCount, failed: failed.length }
    note({ resourceType: 'bulk_tag', resourceId: id, after })
    return {
      success: failed.length === 0,
      id: dryRun ? null : id,
      dryRun,
      updatedCount,
      failed,
      resources: resources.map(shown),
    }
  },
)

const shown = (entry: Entry): Outcome => Outcome.parse(entry)

const ById = z.strictObject({ id: z.string().min(1).max(256) })

export const get = command(
  'resources.bulk-tag-get',
  ById,
  'read:resources',
  async (ctx, { id }): Promise<z.infer<typeof Public>> => Public.parse(await load(ctx, id)),
)

async function load(ctx: Context, id: string): Promise<Info> {
  const found = await ctx.tables.bulkTags.get(ctx.orgId, id)
  if (!found || found.expiresAt <= ctx.now().getTime() / 1000)
    throw new Fault('not_found', `There is no bulk tag ${id}.`)
  return found
}

/** What is restored stays so: a repetition tries the rest again. */
export const undo = change(
  'resources.bulk-tag-undo',
  ById,
  'write:tags',
  async (ctx, { id }, note): Promise<z.infer<typeof Undone>> => {
    const { resources } = await undone(ctx, await load(ctx, id), AbortSignal.timeout(timeLimitMs))
    const tried = resources.filter(({ undo: done }) => done !== null)
    const restoredCount = tried.filter(({ undo: done }) => done?.state === 'restored').length
    const failed = tried.flatMap(({ resourceId, undo: done }) => {
      if (!done || done.state === 'restored') return []
      const kept = done.kept.map(({ key }) => key).join(', ')
      return [{ resourceId, error: done.error ?? `Changed since by somebody else: ${kept}.` }]
    })
    note({ resourceType: 'bulk_tag', resourceId: id, after: { restored: restoredCount, failed: failed.length } })
    return { success: failed.length === 0, restoredCount, failed, resources: resources.map(shown) }
  },
)
